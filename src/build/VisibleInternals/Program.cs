// Makes a copy of an assembly for the compiler to look at, in which the listed types and their internal members are public.
//
// A transformer that ML.NET can load without a registration call needs a handful of ML.NET's internals (VersionInfo, ModelLoadContext and
// their like). At run time the attribute IgnoresAccessChecksTo opens them; the C# compiler knows nothing of it and wants to see public
// members. So it is shown this copy; the assembly that is loaded and shipped against stays the published one.
//
// The metadata tables have fixed-size rows and visibility is a few bits in a row, so the bits are flipped in place: no assembly is rewritten.
//
//     VisibleInternals INPUT.dll OUTPUT.dll Full.Type.Name [Outer+Nested ...]

using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

if (args.Length < 3)
{
    Console.Error.WriteLine("usage: VisibleInternals INPUT.dll OUTPUT.dll TYPE...");
    return 2;
}

byte[] image = File.ReadAllBytes(args[0]);
using PEReader pe = new(new MemoryStream((byte[])image.Clone()));
MetadataReader metadata = pe.GetMetadataReader();
int start = pe.PEHeaders.MetadataStartOffset;
HashSet<string> wanted = [.. args[2..]];

foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
{
    if (!wanted.Remove(NameOf(handle))) continue;
    TypeDefinition type = metadata.GetTypeDefinition(handle);
    Flip(TableIndex.TypeDef, handle, 0, visibility => (TypeAttributes)visibility switch
    {
        TypeAttributes.NotPublic => (int)TypeAttributes.Public,
        TypeAttributes.NestedAssembly or TypeAttributes.NestedFamANDAssem => (int)TypeAttributes.NestedPublic,
        _ => visibility,
    });

    // A row of MethodDef begins with RVA (4 bytes) and ImplFlags (2); a row of Field begins with its flags.
    foreach (MethodDefinitionHandle method in type.GetMethods()) Flip(TableIndex.MethodDef, method, 6, OpenMember);
    foreach (FieldDefinitionHandle field in type.GetFields()) Flip(TableIndex.Field, field, 0, OpenMember);
}

if (wanted.Count > 0)
{
    Console.Error.WriteLine($"{args[0]} has no type {string.Join(", ", wanted)}.");
    return 1;
}

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(args[1]))!);
if (!File.Exists(args[1]) || !image.AsSpan().SequenceEqual(File.ReadAllBytes(args[1]))) File.WriteAllBytes(args[1], image);
return 0;

// Method and field visibilities share their values.
static int OpenMember(int visibility) =>
    (MethodAttributes)visibility is MethodAttributes.Assembly or MethodAttributes.FamANDAssem ? (int)MethodAttributes.Public : visibility;

void Flip(TableIndex table, EntityHandle handle, int column, Func<int, int> change)
{
    int row = MetadataTokens.GetRowNumber(handle) - 1;
    int at = start + metadata.GetTableMetadataOffset(table) + row * metadata.GetTableRowSize(table) + column;
    const int mask = 7;   // visibility is the lowest three bits in all three tables
    image[at] = (byte)((image[at] & ~mask) | change(image[at] & mask));
}

string NameOf(TypeDefinitionHandle handle)
{
    TypeDefinition type = metadata.GetTypeDefinition(handle);
    string name = metadata.GetString(type.Name);
    if (!type.GetDeclaringType().IsNil) return NameOf(type.GetDeclaringType()) + "+" + name;
    string space = metadata.GetString(type.Namespace);
    return space.Length == 0 ? name : space + "." + name;
}
