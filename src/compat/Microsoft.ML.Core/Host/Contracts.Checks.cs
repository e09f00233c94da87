using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Runtime;

internal static partial class Contracts
{
    public static void Check([DoesNotReturnIf(false)] bool f, string? msg = null) => Check(None, f, msg);

    public static void Check(this IExceptionContext? ctx, [DoesNotReturnIf(false)] bool f, string? msg = null)
    {
        if (!f) throw Except(ctx, msg);
    }

    public static void CheckParam([DoesNotReturnIf(false)] bool f, string paramName, string? msg = null) => CheckParam(None, f, paramName, msg);

    public static void CheckParam(this IExceptionContext? ctx, [DoesNotReturnIf(false)] bool f, string paramName, string? msg = null)
    {
        if (!f) throw ExceptParam(ctx, paramName, msg);
    }

    public static void CheckValue<T>([NotNull] T? val, string paramName) where T : class => CheckValue(None, val, paramName);

    public static void CheckValue<T>(this IExceptionContext? ctx, [NotNull] T? val, string paramName) where T : class
    {
        if (val is null) throw ExceptValue(ctx, paramName);
    }

    public static T CheckRef<T>([NotNull] T? val, string paramName) where T : class => val ?? throw ExceptValue(None, paramName);

    public static string CheckNonEmpty([NotNull] string? s, string paramName, string? msg = null) => CheckNonEmpty(None, s, paramName, msg);

    public static string CheckNonEmpty(this IExceptionContext? ctx, [NotNull] string? s, string paramName, string? msg = null)
        => string.IsNullOrEmpty(s) ? throw ExceptParam(ctx, paramName, msg ?? $"'{paramName}' is null or empty.") : s;

    public static T[] CheckNonEmpty<T>([NotNull] T[]? args, string paramName, string? msg = null) => CheckNonEmpty(None, args, paramName, msg);

    public static T[] CheckNonEmpty<T>(this IExceptionContext? ctx, [NotNull] T[]? args, string paramName, string? msg = null)
        => args is { Length: > 0 } ? args : throw ExceptParam(ctx, paramName, msg ?? $"'{paramName}' is null or empty.");

    public static string CheckNonWhiteSpace([NotNull] string? s, string paramName, string? msg = null)
        => CheckNonWhiteSpace(None, s, paramName, msg);

    public static string CheckNonWhiteSpace(this IExceptionContext? ctx, [NotNull] string? s, string paramName, string? msg = null)
        => string.IsNullOrWhiteSpace(s) ? throw ExceptParam(ctx, paramName, msg ?? $"'{paramName}' is null or only space.") : s;

    public static void CheckDecode([DoesNotReturnIf(false)] bool f, string? msg = null) => CheckDecode(None, f, msg);

    public static void CheckDecode(this IExceptionContext? ctx, [DoesNotReturnIf(false)] bool f, string? msg = null)
    {
        if (!f) throw ExceptDecode(ctx, msg);
    }
}
