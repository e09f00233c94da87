using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The environment inside an MLContext.</summary>
internal sealed class LocalEnvironment(int? seed = null) : HostEnvironmentBase(seed);
