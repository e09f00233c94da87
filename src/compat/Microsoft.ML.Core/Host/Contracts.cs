namespace Microsoft.ML.Runtime;

/// <summary>
/// Checks that throw, each with a form for a context that marks the exception. The kinds: Check, Except: InvalidOperation; Param,
/// NonEmpty, NonWhiteSpace, SchemaMismatch: ArgumentOutOfRange; Value, Ref: ArgumentNull; Decode: Format.
/// </summary>
internal static partial class Contracts
{
    private const string IsMarkedKey = "ML_IsMarked";
    private static readonly IExceptionContext? None = null;

    /// <summary>Remembers that ML.NET threw this, so that a loader of models passes it on with its story.</summary>
    public static TException Mark<TException>(TException ex) where TException : Exception
    {
        ex.Data[IsMarkedKey] = 1;
        return ex;
    }

    public static bool IsMarked(this Exception ex) => ex.Data.Contains(IsMarkedKey);

    public static TException Process<TException>(this TException ex, IExceptionContext? ectx = null) where TException : Exception
        => ectx is null ? Mark(ex) : ectx.Process(ex);

    public static Exception Except(string? msg = null) => Except(None, msg);

    public static Exception Except(this IExceptionContext? ctx, string? msg = null) => new InvalidOperationException(msg).Process(ctx);

    public static Exception Except(Exception inner, string msg) => Except(None, inner, msg);

    public static Exception Except(this IExceptionContext? ctx, Exception inner, string msg) => new InvalidOperationException(msg, inner).Process(ctx);

    public static Exception ExceptParam(this IExceptionContext? ctx, string paramName, string? msg = null)
        => (msg is null ? new ArgumentOutOfRangeException(paramName) : new ArgumentOutOfRangeException(paramName, msg)).Process(ctx);

    public static Exception ExceptValue(this IExceptionContext? ctx, string paramName, string? msg = null)
        => (msg is null ? new ArgumentNullException(paramName) : new ArgumentNullException(paramName, msg)).Process(ctx);

    public static Exception ExceptDecode(this IExceptionContext? ctx, string? msg = null)
        => (msg is null ? new FormatException() : new FormatException(msg)).Process(ctx);

    public static Exception ExceptDecode(this IExceptionContext? ctx, Exception inner, string msg) => new FormatException(msg, inner).Process(ctx);

    /// <summary>A column is missing (without types) or has another type than wanted.</summary>
    public static Exception ExceptSchemaMismatch(string paramName, string columnRole, string columnName, string? expectedType = null, string? actualType = null)
        => ExceptSchemaMismatch(None, paramName, columnRole, columnName, expectedType, actualType);

    public static Exception ExceptSchemaMismatch(
        this IExceptionContext? ctx, string paramName, string columnRole, string columnName, string? expectedType = null, string? actualType = null)
    {
        string role = string.IsNullOrEmpty(columnRole) ? "" : columnRole + " ";
        return ExceptParam(ctx, paramName, actualType is null
            ? $"There is no {role}column '{columnName}'."
            : $"The {role}column '{columnName}' is of type {actualType}, it should be of type {expectedType}.");
    }
}
