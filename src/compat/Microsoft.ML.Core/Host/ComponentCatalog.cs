using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The classes that models may name, by load name and signature, gathered from the attributes of assemblies.</summary>
public sealed class ComponentCatalog
{
    private readonly HashSet<string> assemblies = [];
    private readonly Dictionary<(string Name, Type Signature), Loadable> classes = [];

    internal ComponentCatalog() { }

    /// <summary>Adds an assembly's loadable classes; an assembly that is there already is left alone.</summary>
    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        lock (assemblies)
        {
            if (!assemblies.Add(assembly.FullName ?? "")) return;
            foreach (LoadableClassAttributeBase attribute in assembly.GetCustomAttributes<LoadableClassAttributeBase>())
            {
                Loadable? loadable = Loadable.Find(attribute);
                if (loadable is null && throwOnError)
                    throw Contracts.Except($"Loadable class '{attribute.InstanceType}' ('{attribute.LoadNames[0]}') has no fitting constructor or Create method.");
                if (loadable is not null) Add(attribute, loadable, throwOnError);
            }
        }
    }

    /// <summary>Makes the class of that name; false when there is none.</summary>
    internal static bool TryCreateInstance<TRes, TSig>(IHostEnvironment env, out TRes? result, string? name, string? options, params object[] extra)
        where TRes : class
    {
        Contracts.CheckValue(env, nameof(env));
        result = null;
        Loadable? loadable;
        ComponentCatalog catalog = env.ComponentCatalog;
        lock (catalog.assemblies)
        {
            if (!catalog.classes.TryGetValue((Normalise(name), typeof(TSig)), out loadable)) return false;
        }
        env.Check(typeof(TRes).IsAssignableFrom(loadable.InstanceType), $"Loadable class '{name}' is a '{loadable.InstanceType}', not a '{typeof(TRes)}'.");
        env.Check(string.IsNullOrEmpty(options), $"Loadable class '{name}' takes no settings.");
        env.Check(loadable.ExtraCount == extra.Length, $"Loadable class '{name}' takes {loadable.ExtraCount} extra values, {extra.Length} were given.");
        result = (TRes)loadable.Create(env, extra);
        return true;
    }

    private void Add(LoadableClassAttributeBase attribute, Loadable loadable, bool throwOnError)
    {
        foreach (Type signature in attribute.SigTypes)
        {
            foreach (string name in attribute.LoadNames)
            {
                if (!classes.TryAdd((Normalise(name), signature), loadable) && throwOnError)
                    throw Contracts.Except($"Load name '{name}' of '{loadable.InstanceType}' is taken already, for signature '{signature}'.");
            }
        }
    }

    private static string Normalise(string? name) => (name ?? "").ToLowerInvariant().Trim();

    private sealed class Loadable
    {
        private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic;
        private readonly MethodBase method;
        private readonly Type? argType;
        private readonly bool wantsEnvironment;

        private Loadable(LoadableClassAttributeBase attribute, MethodBase method)
        {
            InstanceType = attribute.InstanceType;
            argType = attribute.ArgType;
            this.method = method;
            wantsEnvironment = method.GetParameters().Length > attribute.CtorTypes.Length;
            ExtraCount = attribute.CtorTypes.Length - (argType is null ? 0 : 1);
        }

        public Type InstanceType { get; }

        public int ExtraCount { get; }

        /// <summary>A constructor or a Create method, with or without environment; of both the more visible one.</summary>
        public static Loadable? Find(LoadableClassAttributeBase attribute)
        {
            Type loader = attribute.LoaderType;
            Type[] plain = attribute.CtorTypes, withEnvironment = [typeof(IHostEnvironment), .. plain];
            MethodBase? constructor = attribute.InstanceType.IsAssignableFrom(loader)
                ? loader.GetConstructor(BindingFlags.Instance | Any, plain) ?? loader.GetConstructor(BindingFlags.Instance | Any, withEnvironment)
                : null;
            MethodBase? create = FindCreate(attribute, plain) ?? FindCreate(attribute, withEnvironment);
            if (constructor is not null && create is not null)
            {
                Contracts.Check(Visibility(constructor) != Visibility(create),
                    $"Type '{loader}' has both a constructor and a Create method of the same visibility; one of them must differ.");
                return new Loadable(attribute, Visibility(constructor) > Visibility(create) ? constructor : create);
            }
            return (constructor ?? create) is MethodBase found ? new Loadable(attribute, found) : null;
        }

        public object Create(IHostEnvironment env, object[] extra)
        {
            object[] prefix = wantsEnvironment ? [env] : [];
            object[] settings = argType is null ? [] : [Activator.CreateInstance(argType)!];
            object[] all = [.. prefix, .. settings, .. extra];
            try
            {
                return method is ConstructorInfo constructor ? constructor.Invoke(all) : method.Invoke(null, all)!;
            }
            catch (TargetInvocationException ex) when (ex.InnerException is Exception inner && inner.IsMarked())
            {
                throw Contracts.Except(ex, $"'{InstanceType}' could not be made: {inner.Message}");
            }
        }

        private static MethodInfo? FindCreate(LoadableClassAttributeBase attribute, Type[] parameters)
        {
            MethodInfo? create = attribute.LoaderType.GetMethod("Create", BindingFlags.Static | BindingFlags.DeclaredOnly | Any, parameters);
            return create is not null && create.ReturnType == attribute.InstanceType ? create : null;
        }

        private static int Visibility(MethodBase method)
            => method.IsPublic ? 5 : method.IsAssembly ? 4 : method.IsFamilyOrAssembly ? 3 : method.IsFamily ? 2 : method.IsPrivate ? 1 : 0;
    }
}
