using System.Reflection;
using System.Runtime.CompilerServices;

namespace Compat.Tests.Signatures;

/// <summary>An assembly's public and protected members, a line each, in the form of goldens/mlnet/signatures (see its README).</summary>
internal static class SignatureDump
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    public static IEnumerable<string> Lines(Assembly assembly)
        => assembly.GetTypes().Where(IsVisible).SelectMany(Lines).Distinct().Order(StringComparer.Ordinal);

    public static IEnumerable<string> Lines(Type type)
    {
        string Line(string kind, string signature) => $"{TypeNames.Of(type)}\t{kind}\t{signature}";

        yield return Line("type", TypeLine(type));
        if (typeof(MulticastDelegate).IsAssignableFrom(type))
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            yield return Line("delegate", $"{TypeNames.Of(invoke.ReturnType)} ({TypeNames.Of(invoke.GetParameters())})");
            yield break;
        }
        if (type.IsEnum)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                yield return Line("enum", $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue())}");
            yield break;
        }
        foreach (ConstructorInfo ctor in type.GetConstructors(Declared).Where(ctor => !ctor.IsStatic && IsVisible(ctor)))
            yield return Line("ctor", $"{Access(ctor)}({TypeNames.Of(ctor.GetParameters())})");
        foreach (FieldInfo field in type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
            yield return Line("field", FieldLine(field));
        foreach (EventInfo item in type.GetEvents(Declared).Where(item => IsVisible(item.AddMethod!)))
            yield return Line("event", $"{Access(item.AddMethod!)}{Word(item.AddMethod!)}{TypeNames.Of(item.EventHandlerType!)} {item.Name}");
        foreach (PropertyInfo property in type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsVisible)))
            yield return Line("property", PropertyLine(property));
        foreach (MethodInfo method in type.GetMethods(Declared).Where(IsVisible).Where(method => !method.IsSpecialName || method.Name.StartsWith("op_")))
            yield return Line("method", MethodLine(method));
    }

    private static bool IsVisible(Type type)
        => type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!));

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string TypeLine(Type type)
    {
        if (type.IsEnum) return $"enum : {TypeNames.Of(Enum.GetUnderlyingType(type))}";
        if (typeof(MulticastDelegate).IsAssignableFrom(type)) return "delegate" + OwnConstraints(type);
        string kind = type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute), false) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + "struct"
            : (type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + "class";
        var bases = new List<string>();
        if (type.BaseType is Type parent && parent != typeof(object) && parent != typeof(ValueType)) bases.Add(TypeNames.Of(parent));
        bases.AddRange(type.GetInterfaces().Where(IsVisible).Select(TypeNames.Of).Order(StringComparer.Ordinal));
        return kind + (bases.Count > 0 ? " : " + string.Join(", ", bases) : "") + OwnConstraints(type);
    }

    private static string OwnConstraints(Type type) => TypeNames.Constraints(type.IsGenericTypeDefinition ? type.GetGenericArguments() : []);

    private static string FieldLine(FieldInfo field)
    {
        string access = field.IsPublic ? "" : "protected ";
        if (field.IsLiteral) return $"{access}const {TypeNames.Of(field.FieldType)} {field.Name} = {TypeNames.Literal(field.GetRawConstantValue())}";
        return $"{access}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{TypeNames.Of(field.FieldType)} {field.Name}";
    }

    private static string PropertyLine(PropertyInfo property)
    {
        MethodInfo accessor = property.GetAccessors(true).OrderByDescending(method => method.IsPublic).First(IsVisible);
        ParameterInfo[] index = property.GetIndexParameters();
        string name = property.Name + (index.Length > 0 ? $"[{TypeNames.Of(index)}]" : "");
        string accessors = (property.GetMethod is { } get && IsVisible(get) ? Part(get, "get") : "") + (property.SetMethod is { } set && IsVisible(set) ? Part(set, "set") : "");
        return $"{Access(accessor)}{Word(accessor)}{Returned(accessor.Name.StartsWith("set_") ? property.PropertyType : accessor.ReturnType, accessor.ReturnParameter)} {name} {{ {accessors}}}";

        string Part(MethodInfo method, string word) => $"{(accessor.IsPublic ? Access(method) : "")}{word}; ";
    }

    private static string MethodLine(MethodInfo method)
    {
        bool isExtension = method.IsDefined(typeof(ExtensionAttribute), false);
        Type[] arguments = method.IsGenericMethodDefinition ? method.GetGenericArguments() : [];
        string generic = arguments.Length > 0 ? $"<{string.Join(", ", arguments.Select(TypeNames.Of))}>" : "";
        string constraints = IsOverride(method) ? "" : TypeNames.Constraints(arguments);
        return $"{Access(method)}{Word(method)}{Returned(method.ReturnType, method.ReturnParameter)} {method.Name}{generic}({TypeNames.Of(method.GetParameters(), isExtension)}){constraints}";
    }

    private static string Returned(Type type, ParameterInfo parameter)
        => (!type.IsByRef ? "" : TypeNames.Has(parameter, "System.Runtime.CompilerServices.IsReadOnlyAttribute") ? "ref readonly " : "ref ") + TypeNames.Of(type);

    private static bool IsOverride(MethodInfo method) => method.IsVirtual && method.GetBaseDefinition() != method;

    /// <summary>How a method stands in its hierarchy; members of interfaces and final implementations of them have no word.</summary>
    private static string Word(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface) return "";
        if (method.IsStatic) return "static ";
        if (method.IsAbstract) return "abstract ";
        if (IsOverride(method)) return method.IsFinal ? "sealed override " : "override ";
        return method.IsVirtual && !method.IsFinal ? "virtual " : "";
    }
}
