using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Calls a generic method whose type arguments are known only at run time (a column's raw type).</summary>
internal static class Generic
{
    private const BindingFlags Everything = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    public static TResult Call<TResult>(Type owner, string method, object? target, Type typeArgument, params object?[] arguments) =>
        Call<TResult>(owner, method, target, [typeArgument], arguments);

    public static TResult Call<TResult>(Type owner, string method, object? target, Type[] typeArguments, params object?[] arguments)
    {
        MethodInfo open = owner.GetMethods(Everything).Single(m => m.Name == method && m.IsGenericMethodDefinition && m.GetGenericArguments().Length == typeArguments.Length);
        // DoNotWrapExceptions: the caller sees the exception itself, not a TargetInvocationException.
        return (TResult)open.MakeGenericMethod(typeArguments).Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;
    }
}
