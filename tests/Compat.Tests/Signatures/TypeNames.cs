using System.Reflection;

namespace Compat.Tests.Signatures;

/// <summary>Types and parameters as goldens/mlnet/signatures writes them: full CLR names, nested types with a dot, arguments in angles.</summary>
internal static class TypeNames
{
    public static string Of(Type type)
    {
        if (type.IsByRef) return Of(type.GetElementType()!);
        if (type.IsArray) return Of(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (type.IsPointer) return Of(type.GetElementType()!) + "*";
        if (type.IsGenericParameter) return type.Name;
        Type[] arguments = type.GetGenericArguments();
        string prefix = type.DeclaringType is Type outer ? Nested(outer, arguments) + "." : type.Namespace is null ? "" : type.Namespace + ".";
        return prefix + WithArguments(type, arguments);
    }

    /// <summary>Parameters with their modifiers and default values, without the parentheses.</summary>
    public static string Of(ParameterInfo[] parameters, bool isExtension = false)
        => string.Join(", ", parameters.Select((parameter, i) => (isExtension && i == 0 ? "this " : "") + Of(parameter)));

    public static string Constraints(Type[] parameters) => string.Concat(parameters.Select(parameter =>
    {
        GenericParameterAttributes flags = parameter.GenericParameterAttributes;
        var parts = new List<string>();
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) parts.Add("class");
        if (flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint)) parts.Add("struct");
        parts.AddRange(parameter.GetGenericParameterConstraints().Where(constraint => constraint != typeof(ValueType)).Select(Of));
        if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
            parts.Add("new()");
        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }));

    // A nested type's CLR arguments begin with those of the types around it.
    private static string Nested(Type outer, Type[] arguments)
    {
        string prefix = outer.DeclaringType is Type next ? Nested(next, arguments) + "." : outer.Namespace is null ? "" : outer.Namespace + ".";
        return prefix + WithArguments(outer, arguments);
    }

    private static string WithArguments(Type type, Type[] arguments)
    {
        int tick = type.Name.IndexOf('`');
        if (tick < 0) return type.Name;
        int skip = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        int own = int.Parse(type.Name[(tick + 1)..]);
        return $"{type.Name[..tick]}<{string.Join(", ", arguments.Skip(skip).Take(own).Select(Of))}>";
    }

    private static string Of(ParameterInfo parameter)
    {
        string modifier = parameter.IsOut ? "out "
            : parameter.ParameterType.IsByRef ? Has(parameter, "System.Runtime.CompilerServices.IsReadOnlyAttribute") ? "in " : "ref "
            : Has(parameter, "System.ParamArrayAttribute") || Has(parameter, "System.Runtime.CompilerServices.ParamCollectionAttribute") ? "params " : "";
        return $"{modifier}{Of(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Default(parameter) : "")}";
    }

    private static string Default(ParameterInfo parameter)
        => parameter.RawDefaultValue is null && parameter.ParameterType.IsValueType ? "default" : Literal(parameter.RawDefaultValue);

    public static string Literal(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => $"\"{text}\"",
        char c => c is >= ' ' and < (char)127 ? $"'{c}'" : $"'\\u{(int)c:x4}'",
        Enum item => Convert.ToInt64(item).ToString(),
        IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    public static bool Has(ParameterInfo parameter, string attribute)
        => parameter.GetCustomAttributesData().Any(data => data.AttributeType.FullName == attribute);
}
