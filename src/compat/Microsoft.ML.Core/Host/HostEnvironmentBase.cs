namespace Microsoft.ML.Runtime;

/// <summary>Who sent a message.</summary>
internal interface IMessageSource
{
    string? FullName { get; }
}

/// <summary>A named source of exceptions: an environment, a host, a channel.</summary>
internal abstract class ChannelProviderBase : IExceptionContext, IMessageSource
{
    protected ChannelProviderBase(string? shortName, string? parentFullName, bool verbose)
    {
        ShortName = shortName;
        ParentFullName = parentFullName;
        FullName = string.IsNullOrEmpty(parentFullName) ? shortName : $"{parentFullName}; {shortName}";
        Verbose = verbose;
    }

    public string? ShortName { get; }

    public string? ParentFullName { get; }

    public string? FullName { get; }

    public bool Verbose { get; }

    public virtual string ContextDescription => FullName ?? "";

    public abstract TException Process<TException>(TException ex) where TException : Exception;
}

/// <summary>
/// An MLContext's environment and the hosts registered in it. Hosts share its listeners and component catalog, inherit its settings as
/// they are at the time of registration, and are cancelled with it; children are held weakly because nobody disposes hosts.
/// </summary>
internal class HostEnvironmentBase : ChannelProviderBase, IHostEnvironmentInternal, ICancelable
{
    private readonly HostEnvironmentBase root;
    private readonly Random rand;
    private readonly Dictionary<string, object?> options = [];
    private readonly List<WeakReference<Host>> children = [];
    private event Action<IMessageSource, ChannelMessage>? Listeners;

    protected HostEnvironmentBase(int? seed) : base(null, null, verbose: false)
    {
        root = this;
        Seed = seed;
        rand = RandomUtils.Create(seed);
        ComponentCatalog = new ComponentCatalog();
        TempFilePath = Path.GetTempPath();
    }

    private HostEnvironmentBase(HostEnvironmentBase source, string shortName, string? parentFullName, Random rand, bool verbose)
        : base(shortName, parentFullName, verbose)
    {
        root = source.root;
        this.rand = rand;
        Seed = source.Seed;
        ComponentCatalog = source.ComponentCatalog;
        TempFilePath = source.TempFilePath;
        GpuDeviceId = source.GpuDeviceId;
        FallbackToCpu = source.FallbackToCpu;
        IsCanceled = source.IsCanceled;
    }

    public int? Seed { get; }

    public string TempFilePath { get; set; }

    public int? GpuDeviceId { get; set; }

    public bool FallbackToCpu { get; set; }

    public ComponentCatalog ComponentCatalog { get; }

    public bool IsCanceled { get; private set; }

    public override string ContextDescription => "HostEnvironment";

    public void AddListener(Action<IMessageSource, ChannelMessage> listener) => root.Listeners += listener;

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        lock (children)
        {
            children.RemoveAll(child => !child.TryGetTarget(out _));
            Random childRand = seed is int given ? RandomUtils.Create(given) : RandomUtils.Create(rand);
            var host = new Host(this, name, ParentNameOfChildren, childRand, verbose ?? Verbose);
            children.Add(new WeakReference<Host>(host));
            return host;
        }
    }

    void ICancelable.CancelExecution()
    {
        lock (children)
        {
            foreach (WeakReference<Host> child in children)
            {
                if (child.TryGetTarget(out Host? host)) ((ICancelable)host).CancelExecution();
            }
            children.Clear();
            IsCanceled = true;
        }
    }

    public IChannel Start(string name) => new Channel(this, name);

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this, name);

    public IProgressChannel StartProgressChannel(string name)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        return new ProgressChannel(this);
    }

    public override TException Process<TException>(TException ex)
    {
        ex.Data["Throwing component"] = "Environment";
        return Contracts.Mark(ex);
    }

    public bool TryAddOption<T>(string name, T value)
    {
        CheckOptionName(name);
        return options.TryAdd(name, value);
    }

    public void SetOption<T>(string name, T value)
    {
        CheckOptionName(name);
        options[name] = value;
    }

    public bool TryGetOption<T>(string name, out T? value)
    {
        CheckOptionName(name);
        bool found = options.TryGetValue(name, out object? stored) && stored is T;
        value = found ? (T)stored! : default;
        return found;
    }

    /// <summary>An option that is not there is there afterwards, with the default value.</summary>
    public T? GetOptionOrDefault<T>(string name)
    {
        CheckOptionName(name);
        options.TryAdd(name, default(T));
        return (T?)options[name];
    }

    public bool RemoveOption(string name)
    {
        CheckOptionName(name);
        return options.Remove(name);
    }

    /// <summary>A host's hosts bear the name of the host's own source, not the host's: so it is in the real one.</summary>
    private protected virtual string? ParentNameOfChildren => null;

    private static void CheckOptionName(string name)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new ArgumentNullException(nameof(name));
    }

    private sealed class Host(HostEnvironmentBase source, string shortName, string? parentFullName, Random rand, bool verbose)
        : HostEnvironmentBase(source, shortName, parentFullName, rand, verbose), IHost
    {
        private readonly string? sourceName = source.FullName;

        public Random Rand => rand;

        private protected override string? ParentNameOfChildren => sourceName;
    }

    private class Pipe<TMessage>(HostEnvironmentBase parent, string shortName)
        : ChannelProviderBase(shortName, parent.FullName, parent.Verbose), IPipe<TMessage>
    {
        private bool disposed;

        /// <summary>Listeners exist for channel messages only.</summary>
        public void Send(TMessage msg)
        {
            if (msg is ChannelMessage message) parent.root.Listeners?.Invoke(this, message);
        }

        public void Dispose()
        {
            if (disposed) return;
            disposed = true;
            Closing();
        }

        protected virtual void Closing() { }

        public override TException Process<TException>(TException ex)
        {
            ex.Data["Throwing component"] = parent.ShortName;
            ex.Data["Parent component"] = parent.ParentFullName;
            ex.Data["Phase"] = ShortName;
            return Contracts.Mark(ex);
        }
    }

    private sealed class Channel : Pipe<ChannelMessage>, IChannel
    {
        private readonly System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();

        public Channel(HostEnvironmentBase parent, string shortName) : base(parent, shortName)
            => Trace(MessageSensitivity.None, "Channel started");

        protected override void Closing()
        {
            Trace(MessageSensitivity.None, "Channel finished. Elapsed {0:c}.", watch.Elapsed);
            Trace(MessageSensitivity.None, "Channel disposed");
        }

        public void Trace(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt));

        public void Trace(MessageSensitivity sensitivity, string fmt, params object?[] args) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt, args));

        public void Info(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Info, sensitivity, fmt));

        public void Info(MessageSensitivity sensitivity, string fmt, params object?[] args) => Send(new(ChannelMessageKind.Info, sensitivity, fmt, args));

        public void Warning(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt));

        public void Warning(MessageSensitivity sensitivity, string fmt, params object?[] args) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt, args));

        public void Error(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Error, sensitivity, fmt));

        public void Error(MessageSensitivity sensitivity, string fmt, params object?[] args) => Send(new(ChannelMessageKind.Error, sensitivity, fmt, args));
    }
}
