using System.Runtime.CompilerServices;

namespace Microsoft.ML.Data;

/// <summary>The object that getters read from: a cursor sets it at each row. Null before the first row and after the last.</summary>
internal sealed class RowSlot<TRow> where TRow : class
{
    public TRow? Row;
}

/// <summary>Makes a column's getter from a member of the row object in a slot.</summary>
internal static class TypedGetters
{
    public static Delegate Create<TRow>(RowMember member, RowSlot<TRow> slot) where TRow : class
    {
        Type type = member.ValueType;
        if (type == typeof(string)) return Text(member.Reader<TRow, string?>(), slot);
        if (type == typeof(string[])) return Texts(member.Reader<TRow, string?[]?>(), slot);
        if (type.IsArray) return Call(nameof(Array), type.GetElementType()!);
        if (member.Type is VectorDataViewType vector) return Call(nameof(Vector), vector.ItemType.RawType);
        return member.Type is KeyDataViewType ? Call(nameof(Key), type) : Call(nameof(Scalar), type);

        Delegate Call(string method, Type item) => Generic.Call<Delegate>(typeof(TypedGetters), method, null, [typeof(TRow), item], member, slot);
    }

    private static Delegate Text<TRow>(Func<TRow, string?> read, RowSlot<TRow> slot) where TRow : class =>
        (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = (read(slot.Row!) ?? "").AsMemory());

    private static Delegate Texts<TRow>(Func<TRow, string?[]?> read, RowSlot<TRow> slot) where TRow : class =>
        (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            string?[] texts = read(slot.Row!) ?? [];
            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, texts.Length);
            for (int i = 0; i < texts.Length; i++) editor.Values[i] = (texts[i] ?? "").AsMemory();
            value = editor.Commit();
        });

    private static Delegate Array<TRow, T>(RowMember member, RowSlot<TRow> slot) where TRow : class
    {
        Func<TRow, T[]?> read = member.Reader<TRow, T[]?>();
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            T[] items = read(slot.Row!) ?? [];
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, items.Length);
            items.CopyTo(editor.Values);
            value = editor.Commit();
        });
    }

    private static Delegate Vector<TRow, T>(RowMember member, RowSlot<TRow> slot) where TRow : class
    {
        Func<TRow, VBuffer<T>> read = member.Reader<TRow, VBuffer<T>>();
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => read(slot.Row!).CopyTo(ref value));
    }

    private static Delegate Scalar<TRow, T>(RowMember member, RowSlot<TRow> slot) where TRow : class
    {
        Func<TRow, T> read = member.Reader<TRow, T>();
        return (ValueGetter<T>)((ref T value) => value = read(slot.Row!));
    }

    /// <summary>A key in memory counts from 0; in a column it counts from 1 and 0 means missing.</summary>
    private static Delegate Key<TRow, T>(RowMember member, RowSlot<TRow> slot) where TRow : class where T : unmanaged
    {
        // 16-bit keys are not read from objects by the published assembly either.
        if (typeof(T) == typeof(ushort)) throw new InvalidOperationException($"Member '{member.Member.Name}': a key of type {typeof(T)} cannot be read from an object.");
        Func<TRow, T> read = member.Reader<TRow, T>();
        ulong count = ((KeyDataViewType)member.Type).Count;
        return (ValueGetter<T>)((ref T value) =>
        {
            T raw = read(slot.Row!);
            ulong index = Widen(raw);
            value = index < count ? Narrow<T>(index + 1) : default;
        });
    }

    internal static ulong Widen<T>(T value) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        1 => Unsafe.BitCast<T, byte>(value),
        2 => Unsafe.BitCast<T, ushort>(value),
        4 => Unsafe.BitCast<T, uint>(value),
        _ => Unsafe.BitCast<T, ulong>(value),
    };

    internal static T Narrow<T>(ulong value) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        1 => Unsafe.BitCast<byte, T>((byte)value),
        2 => Unsafe.BitCast<ushort, T>((ushort)value),
        4 => Unsafe.BitCast<uint, T>((uint)value),
        _ => Unsafe.BitCast<ulong, T>(value),
    };
}
