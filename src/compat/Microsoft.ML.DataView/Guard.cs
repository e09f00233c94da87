using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Internal.DataView;

/// <summary>Argument checks of this assembly: a bad value is an <see cref="ArgumentOutOfRangeException"/>, as in the real one.</summary>
internal static class Guard
{
    public static void Param([DoesNotReturnIf(false)] bool ok, string paramName, string? message = null)
    {
        if (ok) return;
        throw message is null ? new ArgumentOutOfRangeException(paramName) : new ArgumentOutOfRangeException(paramName, message);
    }

    public static T Value<T>([NotNull] T? value, string paramName) where T : class
        => value ?? throw new ArgumentNullException(paramName);

    public static void NonEmpty([NotNull] string? value, string paramName)
    {
        if (string.IsNullOrEmpty(value)) throw new ArgumentNullException(paramName);
    }
}
