namespace Microsoft.ML.Data;

/// <summary>Turns a value given as a .NET object (string, array, VBuffer, number) into the getter of an annotation.</summary>
internal static class AnnotationValue
{
    public static Delegate Getter<T>(T value, DataViewType type)
    {
        Contracts.CheckRef((object?)value, nameof(value));
        (Type item, bool vector) = ColumnTypes.OfMember(typeof(T));
        if (vector != type is VectorDataViewType || ColumnTypes.ItemType(type).RawType != item)
            throw new InvalidOperationException($"An annotation of type {type} cannot hold a value of type {typeof(T)}.");
        return value switch
        {
            string text => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> dst) => dst = text.AsMemory()),
            string[] texts => FromArray(Array.ConvertAll(texts, t => t.AsMemory())),
            Array array => Generic.Call<Delegate>(typeof(AnnotationValue), nameof(FromArray), null, item, array),
            _ when vector => Generic.Call<Delegate>(typeof(AnnotationValue), nameof(FromVector), null, item, value),
            _ => (ValueGetter<T>)((ref T dst) => dst = value),
        };
    }

    private static Delegate FromArray<TItem>(TItem[] values)
    {
        var vector = new VBuffer<TItem>(values.Length, values);
        return FromVector(vector);
    }

    private static Delegate FromVector<TItem>(VBuffer<TItem> value) =>
        (ValueGetter<VBuffer<TItem>>)((ref VBuffer<TItem> dst) => value.CopyTo(ref dst));
}
