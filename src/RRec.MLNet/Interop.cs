// What ties this assembly to ML.NET's loader. IgnoresAccessChecksTo lets the CLR call the internals that VisibleInternals (RRec.MLNet.csproj)
// showed to the compiler, and lets ML.NET's catalog read LoadableClass below: that attribute, found when ModelLoadContext loads the assembly
// named in a zip's header, is why a fresh process needs no registration call.

using System.Runtime.CompilerServices;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices
{
    /// <summary>Known to the CLR by its name: member access from this assembly into the named one is not checked.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        public string AssemblyName { get; } = assemblyName;
    }
}
