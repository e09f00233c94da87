using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// The frame around each part of a model. In file order, all little endian, offsets counted from the frame's begin: this header of 256
/// bytes, the part's own bytes, the table of strings (for each string the offset of its end in the characters), their characters
/// (UTF-16), the full name of the loader's assembly (UTF-16), and a tail that mirrors the first eight bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal struct ModelHeader
{
    public const int Size = 256;

    /// <summary>"ML\0MODEL".</summary>
    public const ulong SignatureValue = 0x4C45444F4D004C4D;

    /// <summary>"LEDOM\0LM".</summary>
    public const ulong TailSignatureValue = 0x4D4C004D4F44454C;

    private const uint VersionWithAssemblyName = 0x00010002;
    private const uint CurrentVersion = VersionWithAssemblyName;
    private const uint OldestVersion = 0x00010001;

    public ulong Signature;
    public uint VerWritten;
    public uint VerReadable;
    public long FpModel;
    public long CbModel;
    public long FpStringTable;
    public long CbStringTable;
    public long FpStringChars;
    public long CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten;
    public uint ModelVerReadable;
    public ulong LoaderSignature0;
    public ulong LoaderSignature1;
    public ulong LoaderSignature2;
    public ulong LoaderSignatureAlt0;
    public ulong LoaderSignatureAlt1;
    public ulong LoaderSignatureAlt2;
    public long FpTail;
    public long FpLim;
    public long FpAssemblyName;
    public uint CbAssemblyName;

    public readonly string LoaderSignature => LatinText.Unpack(LoaderSignature0, LoaderSignature1, LoaderSignature2);

    public readonly string LoaderSignatureAlt => LatinText.Unpack(LoaderSignatureAlt0, LoaderSignatureAlt1, LoaderSignatureAlt2);

    /// <summary>Leaves room for the header, which is known at the end only.</summary>
    public static ModelHeader BeginWrite(BinaryWriter writer, out long fpMin)
    {
        fpMin = writer.BaseStream.Position;
        writer.Write(new byte[Size]);
        return new ModelHeader { Signature = SignatureValue, VerWritten = CurrentVersion, VerReadable = CurrentVersion, FpModel = Size };
    }

    public void SetVersionInfo(VersionInfo version)
    {
        ModelSignature = version.ModelSignature;
        ModelVerWritten = version.VerWrittenCur;
        ModelVerReadable = version.VerReadableCur;
        LatinText.Pack24(version.LoaderSignature, out LoaderSignature0, out LoaderSignature1, out LoaderSignature2);
        LatinText.Pack24(version.LoaderSignatureAlt, out LoaderSignatureAlt0, out LoaderSignatureAlt1, out LoaderSignatureAlt2);
    }

    /// <summary>Writes what follows the part's own bytes, then the header before them.</summary>
    public void EndWrite(BinaryWriter writer, long fpMin, IReadOnlyList<string> strings, string? loaderAssemblyName)
    {
        CbModel = writer.BaseStream.Position - fpMin - FpModel;
        if (strings.Count > 0)
        {
            FpStringTable = FpModel + CbModel;
            CbStringTable = sizeof(long) * strings.Count;
            FpStringChars = FpStringTable + CbStringTable;
            foreach (string text in strings) writer.Write(CbStringChars += sizeof(char) * text.Length);
            foreach (string text in strings) writer.Write(Encoding.Unicode.GetBytes(text));
        }
        if (!string.IsNullOrEmpty(loaderAssemblyName))
        {
            FpAssemblyName = writer.BaseStream.Position - fpMin;
            CbAssemblyName = (uint)(sizeof(char) * loaderAssemblyName.Length);
            writer.Write(Encoding.Unicode.GetBytes(loaderAssemblyName));
        }
        FpTail = writer.BaseStream.Position - fpMin;
        writer.Write(TailSignatureValue);
        FpLim = FpTail + sizeof(ulong);
        Validate(FpLim);

        writer.Flush();
        writer.BaseStream.Position = fpMin;
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ModelHeader>(in this)));
        writer.Flush();
        writer.BaseStream.Position = fpMin + FpLim;
    }

    /// <summary>Reads and checks all but the part's own bytes, before which it leaves the reader.</summary>
    public static ModelHeader BeginRead(BinaryReader reader, out long fpMin, out string[] strings, out string? loaderAssemblyName)
    {
        fpMin = reader.BaseStream.Position;
        byte[] bytes = reader.ReadBytes(Size);
        Contracts.CheckDecode(bytes.Length == Size, "A model part ends within its header.");
        ModelHeader header = MemoryMarshal.Read<ModelHeader>(bytes);
        header.Validate(reader.BaseStream.Length - fpMin);
        strings = header.ReadStrings(reader, fpMin);
        loaderAssemblyName = null;
        if (header.VerWritten >= VersionWithAssemblyName && header.FpAssemblyName != 0)
        {
            reader.BaseStream.Position = fpMin + header.FpAssemblyName;
            loaderAssemblyName = Encoding.Unicode.GetString(reader.ReadBytes((int)header.CbAssemblyName));
        }
        reader.BaseStream.Position = fpMin + header.FpTail;
        Contracts.CheckDecode(reader.ReadUInt64() == TailSignatureValue, "A model part has a damaged tail.");
        reader.BaseStream.Position = fpMin + header.FpModel;
        return header;
    }

    /// <summary>The part's own bytes must have been read to their end.</summary>
    public readonly void EndRead(BinaryReader reader, long fpMin)
    {
        long read = reader.BaseStream.Position - fpMin - FpModel;
        Contracts.CheckDecode(read == CbModel, $"Of a model part's {CbModel} bytes its loader read {read}.");
        reader.BaseStream.Position = fpMin + FpLim;
    }

    public readonly void CheckVersionInfo(VersionInfo version)
    {
        Contracts.CheckDecode(ModelSignature == version.ModelSignature,
            $"A model part is of format '{LatinText.Unpack(ModelSignature)}' where '{LatinText.Unpack(version.ModelSignature)}' was expected.");
        Contracts.CheckDecode(ModelVerReadable <= ModelVerWritten, "A model part claims readers newer than its writer.");
        Contracts.CheckDecode(ModelVerReadable <= version.VerWrittenCur,
            $"The part '{version.LoaderSignature}' of the model is too new: it needs version {ModelVerReadable:x8}, this is {version.VerWrittenCur:x8}.");
        Contracts.CheckDecode(ModelVerWritten >= version.VerWeCanReadBack,
            $"The part '{version.LoaderSignature}' of the model is too old: it is version {ModelVerWritten:x8}, the oldest readable is {version.VerWeCanReadBack:x8}.");
    }

    /// <summary>Blocks must follow each other without gap, each within the <paramref name="size"/> bytes there are.</summary>
    private readonly void Validate(long size)
    {
        Contracts.CheckDecode(Signature == SignatureValue, "This is not a model part: it does not begin with 'ML', 0, 'MODEL'.");
        Contracts.CheckDecode(VerReadable <= VerWritten, "A model part claims readers newer than its writer.");
        Contracts.CheckDecode(VerReadable <= CurrentVersion, "A model part is of a newer kind than this code reads.");
        Contracts.CheckDecode(VerWritten >= OldestVersion, "A model part is of an older kind than this code reads.");
        bool hasStrings = FpStringTable != 0, hasName = VerWritten >= VersionWithAssemblyName && FpAssemblyName != 0;
        long end = Follow(Size, FpModel, CbModel, size);
        if (hasStrings)
        {
            end = Follow(end, FpStringTable, CbStringTable, size);
            end = Follow(end, FpStringChars, CbStringChars, size);
            Contracts.CheckDecode(CbStringTable > 0 && CbStringTable % sizeof(long) == 0 && CbStringChars % sizeof(char) == 0, "A model part's strings have impossible sizes.");
        }
        else
        {
            Contracts.CheckDecode(CbStringTable == 0 && FpStringChars == 0 && CbStringChars == 0, "A model part has sizes of strings but no strings.");
        }
        if (hasName)
        {
            end = Follow(end, FpAssemblyName, CbAssemblyName, size);
            Contracts.CheckDecode(CbAssemblyName % sizeof(char) == 0, "A model part's assembly name has an odd number of bytes.");
        }
        Contracts.CheckDecode(Follow(end, FpTail, sizeof(ulong), size) == FpLim, "A model part does not end with its tail.");
    }

    private static long Follow(long expected, long begin, long length, long size)
    {
        Contracts.CheckDecode(begin == expected && length >= 0 && length <= size - begin, "A model part's blocks do not follow each other within the file.");
        return begin + length;
    }

    private readonly string[] ReadStrings(BinaryReader reader, long fpMin)
    {
        if (FpStringTable == 0) return [];
        reader.BaseStream.Position = fpMin + FpStringTable;
        var ends = new long[CbStringTable / sizeof(long)];
        for (int i = 0; i < ends.Length; i++) ends[i] = reader.ReadInt64();
        var strings = new string[ends.Length];
        long begin = 0;
        for (int i = 0; i < strings.Length; i++)
        {
            Contracts.CheckDecode(ends[i] >= begin && ends[i] <= CbStringChars && ends[i] % sizeof(char) == 0 && ends[i] - begin <= int.MaxValue,
                $"String {i} of a model part lies outside its characters.");
            strings[i] = Encoding.Unicode.GetString(reader.ReadBytes((int)(ends[i] - begin)));
            begin = ends[i];
        }
        Contracts.CheckDecode(begin == CbStringChars, "A model part has characters that belong to no string.");
        return strings;
    }
}
