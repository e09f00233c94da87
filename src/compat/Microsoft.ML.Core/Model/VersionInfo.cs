using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Which format a model part is written in, and what loads it.</summary>
internal readonly struct VersionInfo
{
    public readonly ulong ModelSignature;
    public readonly uint VerWrittenCur;
    public readonly uint VerReadableCur;
    public readonly uint VerWeCanReadBack;
    public readonly string? LoaderAssemblyName;
    public readonly string? LoaderSignature;
    public readonly string? LoaderSignatureAlt;

    /// <param name="modelSignature">Eight characters that name the format; a space is written as zero.</param>
    /// <param name="verWrittenCur">The version that is written now.</param>
    /// <param name="verReadableCur">The oldest version of a reader that can read what is written now.</param>
    /// <param name="verWeCanReadBack">The oldest version that this code reads.</param>
    /// <param name="loaderAssemblyName">Full name of the assembly to look for the loader in.</param>
    /// <param name="loaderSignature">Load name, at most 24 characters.</param>
    /// <param name="loaderSignatureAlt">A second load name, tried when the first is unknown.</param>
    public VersionInfo(
        string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack,
        string? loaderAssemblyName, string? loaderSignature = null, string? loaderSignatureAlt = null)
    {
        Contracts.Check(modelSignature?.Length == 8, "A model signature is eight characters long.");
        ModelSignature = LatinText.Pack(modelSignature.Replace(' ', '\0'));
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderAssemblyName = PublishedName(loaderAssemblyName);
        LoaderSignature = loaderSignature;
        LoaderSignatureAlt = loaderSignatureAlt;
    }

    /// <summary>
    /// Stand-ins are unsigned, but a model must name the assembly that its other readers have: the published, signed one. .NET resolves
    /// the signed name to the unsigned assembly of the same simple name too.
    /// </summary>
    private static string? PublishedName(string? fullName)
    {
        if (fullName is null || !fullName.StartsWith("Microsoft.ML.", StringComparison.Ordinal)) return fullName;
        var name = new AssemblyName(fullName);
        if (name.GetPublicKeyToken() is not { Length: > 0 }) name.SetPublicKeyToken(Convert.FromHexString("cc7b13ffcd2ddd51"));
        return name.FullName;
    }
}

/// <summary>Short texts of one-byte characters in integers, first character lowest, as model headers hold them.</summary>
internal static class LatinText
{
    public static ulong Pack(ReadOnlySpan<char> text)
    {
        ulong packed = 0;
        for (int i = 0; i < text.Length; i++)
        {
            Contracts.Check(text[i] <= 0xFF, $"'{text[i]}' does not fit into one byte.");
            packed |= (ulong)text[i] << (8 * i);
        }
        return packed;
    }

    /// <summary>24 characters in three integers.</summary>
    public static void Pack24(string? text, out ulong first, out ulong second, out ulong third)
    {
        text ??= "";
        Contracts.Check(text.Length <= 24, $"A loader signature has at most 24 characters: '{text}'.");
        string padded = text.PadRight(24, '\0');
        first = Pack(padded.AsSpan(0, 8));
        second = Pack(padded.AsSpan(8, 8));
        third = Pack(padded.AsSpan(16, 8));
    }

    public static string Unpack(params ReadOnlySpan<ulong> packed)
    {
        Span<char> text = stackalloc char[8 * packed.Length];
        for (int i = 0; i < text.Length; i++) text[i] = (char)((packed[i / 8] >> (8 * (i % 8))) & 0xFF);
        return text.TrimEnd('\0').ToString();
    }
}
