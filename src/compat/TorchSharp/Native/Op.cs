using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace TorchSharp;

/// <summary>
/// One operator of libtorch, resolved by name on its first call. A call turns its arguments into tagged values on the stack and
/// makes one native call; arguments that are left out at the end take the defaults of the operator's schema. Nothing is
/// allocated but the resulting tensors.
/// </summary>
internal sealed unsafe class Op(string name, string overload = "")
{
    private const int ScratchWords = 64;
    private nint _handle;

    private nint Handle => _handle != 0 ? _handle : Resolve();

    /// <summary>Whether this machine's libtorch has the operator.</summary>
    internal bool Exists => TryResolve() != 0;

    internal torch.Tensor Call(params ReadOnlySpan<Arg> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return new torch.Tensor((nint)result.Bits);
    }

    /// <summary>For operators that change their first argument, which is returned.</summary>
    internal torch.Tensor InPlace(params ReadOnlySpan<Arg> arguments)
    {
        Invoke(arguments, null, 0);
        return (torch.Tensor)arguments[0].Object!;
    }

    /// <summary>For operators that write into <paramref name="result"/>, which is also among the arguments and is returned.</summary>
    internal torch.Tensor Into(torch.Tensor result, params ReadOnlySpan<Arg> arguments)
    {
        Invoke(arguments, null, 0);
        return result;
    }

    internal (torch.Tensor, torch.Tensor) Call2(params ReadOnlySpan<Arg> arguments)
    {
        NativeValue* results = stackalloc NativeValue[2];
        Invoke(arguments, results, 2);
        return (new torch.Tensor((nint)results[0].Bits), new torch.Tensor((nint)results[1].Bits));
    }

    /// <summary>Three results; those that libtorch leaves undefined are null.</summary>
    internal (torch.Tensor, torch.Tensor?, torch.Tensor?) Call3(params ReadOnlySpan<Arg> arguments)
    {
        NativeValue* results = stackalloc NativeValue[3];
        Invoke(arguments, results, 3);
        return (new torch.Tensor((nint)results[0].Bits), torch.Tensor.OrNull((nint)results[1].Bits), torch.Tensor.OrNull((nint)results[2].Bits));
    }

    internal torch.Tensor[] CallList(params ReadOnlySpan<Arg> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        var tensors = new torch.Tensor[result.Count];
        var handles = (nint*)result.Bits;
        for (int i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(handles[i]);
        NativeMethods.rrec_free((nint)handles);
        return tensors;
    }

    /// <summary>For operators that return a number or a truth value.</summary>
    internal Scalar CallScalar(params ReadOnlySpan<Arg> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return new Scalar(result.Tag, result.Bits);
    }

    [SkipLocalsInit]
    private void Invoke(ReadOnlySpan<Arg> arguments, NativeValue* results, int resultCount)
    {
        NativeValue* values = stackalloc NativeValue[arguments.Length];
        nint* scratch = stackalloc nint[ScratchWords];   // handles of short tensor lists, numbers of short lists
        int used = 0;
        List<GCHandle>? pins = null;                     // long lists and strings: rare
        for (int i = 0; i < arguments.Length; i++)
        {
            ref readonly Arg argument = ref arguments[i];
            values[i] = new NativeValue { Tag = argument.Tag, Count = argument.Count, Bits = argument.Bits };
            if (argument.Tag < Tag.IntList || argument.Tag > Tag.String || argument.Bits != 0) continue;
            if (argument.Object is long[] numbers && used + numbers.Length <= ScratchWords)
            {
                for (int k = 0; k < numbers.Length; k++) scratch[used + k] = (nint)numbers[k];
                values[i].Bits = (long)(scratch + used);
                used += numbers.Length;
            }
            else if (argument.Object is torch.Tensor?[] tensors && used + tensors.Length <= ScratchWords)
            {
                for (int k = 0; k < tensors.Length; k++) scratch[used + k] = tensors[k]?.Handle ?? 0;
                values[i].Bits = (long)(scratch + used);
                used += tensors.Length;
            }
            else
            {
                object data = argument.Object switch
                {
                    torch.Tensor?[] many => Array.ConvertAll(many, tensor => tensor?.Handle ?? 0),
                    string text => Encoding.UTF8.GetBytes(text),
                    var array => array!,
                };
                if (data is byte[] utf8) values[i].Count = utf8.Length;
                GCHandle pin = GCHandle.Alloc(data, GCHandleType.Pinned);
                (pins ??= []).Add(pin);
                values[i].Bits = pin.AddrOfPinnedObject();
            }
        }
        byte* error = NativeMethods.rrec_call(Handle, values, arguments.Length, results, resultCount);
        for (int i = 0; i < arguments.Length; i++) GC.KeepAlive(arguments[i].Object);
        pins?.ForEach(pin => pin.Free());
        NativeMethods.Check(error);
    }

    private nint Resolve() => TryResolve() is var handle and not 0 ? handle
        : throw new ExternalException($"This libtorch ({torch.__version__}) has no operator aten::{name}{(overload == "" ? "" : "." + overload)}");

    private nint TryResolve()
    {
        if (_handle != 0) return _handle;
        nint handle;
        fixed (byte* n = Encoding.UTF8.GetBytes("aten::" + name + "\0"), o = Encoding.UTF8.GetBytes(overload + "\0"))
            NativeMethods.Check(NativeMethods.rrec_op(n, o, &handle));
        return _handle = handle;
    }
}
