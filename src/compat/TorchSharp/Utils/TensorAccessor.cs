using System.Collections;

namespace TorchSharp.Utils;

/// <summary>A tensor's elements as .NET values, in row-major order whatever its strides are.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor _tensor;
    private readonly T* _data;
    private readonly long[] _shape, _strides;
    private readonly bool _contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        _tensor = tensor;
        _shape = tensor.shape;
        _strides = tensor.stride();
        _contiguous = tensor.is_contiguous();
        _data = (T*)tensor.DataPointer;
    }

    public long Count => _tensor.numel();

    public T this[params long[] indices]
    {
        get => *At(indices);
        set => *At(indices) = value;
    }

    public T[] ToArray()
    {
        long count = Count;
        var array = new T[count];
        CopyTo(array.AsSpan());
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        int count = checked((int)Math.Min(array.Length - arrayIndex, Count - tensorIndex));
        if (_contiguous) new ReadOnlySpan<T>(_data + tensorIndex, count).CopyTo(array[arrayIndex..]);
        else for (int i = 0; i < count; i++) array[arrayIndex + i] = _data[Offset(tensorIndex + i)];
        GC.KeepAlive(_tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        int count = checked((int)Math.Min(array.Length - arrayIndex, Count - tensorIndex));
        if (_contiguous) array.Slice(arrayIndex, count).CopyTo(new Span<T>(_data + tensorIndex, count));
        else for (int i = 0; i < count; i++) _data[Offset(tensorIndex + i)] = array[arrayIndex + i];
        GC.KeepAlive(_tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        long count = Count;
        for (long i = 0; i < count; i++) yield return Get(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() { }

    private T Get(long position) => _data[_contiguous ? position : Offset(position)];

    private T* At(long[] indices)
    {
        // One index counts elements in row-major order; as many as dimensions address one element.
        if (indices.Length == 1 && _shape.Length != 1)
        {
            if (indices[0] < 0 || indices[0] >= Count) throw new IndexOutOfRangeException();
            return _data + (_contiguous ? indices[0] : Offset(indices[0]));
        }
        if (indices.Length != _shape.Length) throw new ArgumentException($"{indices.Length} indices for a tensor of {_shape.Length} dimensions");
        long offset = 0;
        for (int d = 0; d < indices.Length; d++)
        {
            if (indices[d] < 0 || indices[d] >= _shape[d]) throw new IndexOutOfRangeException();
            offset += indices[d] * _strides[d];
        }
        return _data + offset;
    }

    private long Offset(long position)
    {
        long offset = 0;
        for (int d = _shape.Length - 1; d >= 0; d--)
        {
            offset += position % _shape[d] * _strides[d];
            position /= _shape[d];
        }
        return offset;
    }
}
