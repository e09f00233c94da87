namespace Microsoft.ML.Data;

/// <summary>Root of the type system of <see cref="IDataView"/>; a type outside this assembly derives from one of the two kinds below.</summary>
public abstract class DataViewType : IEquatable<DataViewType>
{
    private protected DataViewType(Type rawType) => RawType = rawType ?? throw new ArgumentNullException(nameof(rawType));

    /// <summary>The CLR type of a value. It does not identify the data view type: a key and a number may both be <see cref="uint"/>.</summary>
    public Type RawType { get; }

    public abstract bool Equals(DataViewType? other);
}

/// <summary>Types whose values share buffers, so that assignment is no copy.</summary>
public abstract class StructuredDataViewType : DataViewType
{
    protected StructuredDataViewType(Type rawType) : base(rawType) { }
}

/// <summary>Types whose values are copied by assignment.</summary>
public abstract class PrimitiveDataViewType : DataViewType
{
    protected PrimitiveDataViewType(Type rawType) : base(rawType)
    {
        if (typeof(IDisposable).IsAssignableFrom(rawType))
            throw new ArgumentException($"A primitive type's values are copied freely, so '{rawType}' must not be disposable.", nameof(rawType));
    }
}
