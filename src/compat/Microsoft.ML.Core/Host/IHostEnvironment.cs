namespace Microsoft.ML.Runtime;

/// <summary>Whoever checks arguments: it may add where it happened to an exception before that is thrown.</summary>
public interface IExceptionContext
{
    TException Process<TException>(TException ex) where TException : Exception;

    string ContextDescription { get; }
}

/// <summary>Starts channels, through which a component talks to its user.</summary>
public interface IChannelProvider : IExceptionContext
{
    IChannel Start(string name);

    IPipe<TMessage> StartPipe<TMessage>(string name);
}

/// <summary>What every component gets from the context it lives in.</summary>
public interface IHostEnvironment : IChannelProvider, IProgressChannelProvider
{
    IHost Register(string name, int? seed = null, bool? verbose = null);

    ComponentCatalog ComponentCatalog { get; }
}

/// <summary>The environment of one component, with random numbers of its own.</summary>
public interface IHost : IHostEnvironment
{
    Random Rand { get; }
}

/// <summary>A host that its context can ask to stop.</summary>
internal interface ICancelable
{
    void CancelExecution();

    bool IsCanceled { get; }
}

/// <summary>What MLContext and the hosts made by it know beyond <see cref="IHostEnvironment"/>.</summary>
internal interface IHostEnvironmentInternal : IHostEnvironment
{
    int? Seed { get; }

    string TempFilePath { get; set; }

    bool FallbackToCpu { get; set; }

    int? GpuDeviceId { get; set; }

    bool TryAddOption<T>(string name, T value);

    void SetOption<T>(string name, T value);

    bool TryGetOption<T>(string name, out T? value);

    T? GetOptionOrDefault<T>(string name);

    bool RemoveOption(string name);
}
