namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers with a state of its own.</summary>
    public unsafe class Generator : IDisposable
    {
        private nint _handle;

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            nint handle;
            NativeMethods.Check(NativeMethods.rrec_generator_new(seed, this.device.Packed, &handle));
            _handle = handle;
        }

        private Generator(nint handle)
        {
            _handle = handle;
            device = CPU;
        }

        ~Generator() => Dispose(false);

        public static Generator Default => new(NativeMethods.rrec_generator_default());

        public Device device { get; }
        public nint Handle => _handle;

        public Generator manual_seed(long seed)
        {
            NativeMethods.rrec_generator_manual_seed(_handle, seed);
            return this;
        }

        public long initial_seed() => NativeMethods.rrec_generator_initial_seed(_handle);

        /// <summary>Takes a seed from the system and returns it.</summary>
        public long seed() => NativeMethods.rrec_generator_seed(_handle);

        public Tensor get_state()
        {
            nint state;
            NativeMethods.Check(NativeMethods.rrec_generator_get_state(_handle, &state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            NativeMethods.Check(NativeMethods.rrec_generator_set_state(_handle, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _handle, 0) is var handle and not 0) NativeMethods.rrec_generator_dispose(handle);
        }
    }

    /// <summary>Seeds the default generators of all devices.</summary>
    public static unsafe Generator manual_seed(long seed)
    {
        NativeMethods.Check(NativeMethods.rrec_manual_seed(seed));
        return Generator.Default;
    }
}
