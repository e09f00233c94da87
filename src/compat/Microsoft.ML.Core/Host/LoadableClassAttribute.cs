using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// On an assembly: how a class is made when a model names it. The parameters of the signature (a delegate type), after the arguments
/// type if there is one, are those of the constructor or of a static method Create; an <see cref="IHostEnvironment"/> may precede them.
/// </summary>
internal abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(Type instType, Type loaderType, Type? argType, Type[] sigTypes, string userName, params string[] loadNames)
    {
        Contracts.CheckValue(instType, nameof(instType));
        Contracts.CheckValue(loaderType, nameof(loaderType));
        Contracts.CheckNonEmpty(sigTypes, nameof(sigTypes));
        LoadNames = loadNames is { Length: > 0 } ? loadNames : [userName];
        foreach (string name in LoadNames) Contracts.CheckNonWhiteSpace(name, nameof(loadNames));

        Type[] parameters = ParametersOf(sigTypes[0]);
        foreach (Type other in sigTypes.Skip(1))
        {
            Contracts.CheckParam(ParametersOf(other).SequenceEqual(parameters), nameof(sigTypes),
                $"Signatures '{sigTypes[0]}' and '{other}' of one class differ in their parameters.");
        }
        CtorTypes = argType is null ? parameters : [argType, .. parameters];
        InstanceType = instType;
        LoaderType = loaderType;
        ArgType = argType;
        SigTypes = sigTypes;
    }

    public Type InstanceType { get; }

    public Type LoaderType { get; }

    public Type? ArgType { get; }

    public Type[] SigTypes { get; }

    public Type[] CtorTypes { get; }

    public string[] LoadNames { get; }

    private static Type[] ParametersOf(Type signature)
    {
        MethodInfo? invoke = signature.BaseType == typeof(MulticastDelegate) ? signature.GetMethod("Invoke") : null;
        Contracts.CheckParam(invoke is not null && invoke.ReturnType == typeof(void), "sigTypes",
            $"A signature is a delegate type without result, '{signature}' is not.");
        return [.. invoke.GetParameters().Select(parameter => parameter.ParameterType)];
    }
}

[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type? argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, instType, argType, [sigType], userName, loadNames) { }

    public LoadableClassAttribute(Type instType, Type loaderType, Type? argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, loaderType, argType, [sigType], userName, loadNames) { }
}
