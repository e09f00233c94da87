namespace RRec.Text.Tokenization;

/// <summary>
/// The byte-level alphabet: every byte has a visible character, so that vocabularies of byte strings can be written as text. Printable
/// Latin-1 stands for itself, the other 68 bytes for the characters from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = BuildChars();
    private static readonly short[] Bytes = BuildBytes();

    public static char CharOf(byte value) => Chars[value];

    /// <summary>The byte a character stands for, or -1.</summary>
    public static int ByteOf(char c) => c < Bytes.Length ? Bytes[c] : -1;

    private static char[] BuildChars()
    {
        var chars = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            chars[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)b : (char)next++;
        return chars;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[512];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++) bytes[Chars[b]] = (short)b;
        return bytes;
    }
}
