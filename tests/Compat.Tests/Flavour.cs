using Microsoft.ML;

namespace Compat.Tests;

internal static class Flavour
{
    /// <summary>Whether these tests run on the published ML.NET: it is signed, stand-ins are not.</summary>
    public static bool IsPublished { get; } = typeof(MLContext).Assembly.GetName().GetPublicKeyToken() is { Length: > 0 };
}

/// <summary>A golden theory about our own code only; the reason says what the published one does instead.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StandInGoldenTheoryAttribute : TheoryAttribute
{
    public StandInGoldenTheoryAttribute(string path, string whyNotPublished)
        => Skip = Flavour.IsPublished ? whyNotPublished : Goldens.SkipReason(path);
}
