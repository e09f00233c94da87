using System.Runtime.CompilerServices;
using Compat.Tests.Core;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: LoadableClass(typeof(Notes), null, typeof(SignatureLoadModel), "Notes", Notes.LoadName)]

namespace Compat.Tests.Core
{
    /// <summary>A transformer that changes nothing and keeps a text, a number and, beside them, a long stream: what a third party's model does.</summary>
    internal sealed class Notes : ITransformer
    {
        public const string LoadName = "CompatTestsNotes";

        /// <summary>Set by a test to see what becomes of a class that fails to load.</summary>
        [ThreadStatic]
        public static Exception? FailWith;

        public Notes(string text, int number, byte[] pattern, int repeats)
        {
            Text = text;
            Number = number;
            Pattern = pattern;
            Repeats = repeats;
        }

        private Notes(IHostEnvironment env, ModelLoadContext ctx)
        {
            if (FailWith is not null) throw FailWith;
            ctx.CheckAtModel(ReadAs);
            Number = ctx.Reader.ReadInt32();
            Text = ctx.LoadNonEmptyString();
            Assert.Equal(Text, ctx.LoadString());
            Pattern = ctx.Reader.ReadBytes(ctx.Reader.ReadInt32());
            HasStream = ctx.TryLoadBinaryStream("Long.bin", reader =>
            {
                for (byte[] block = reader.ReadBytes(Pattern.Length); block.Length > 0; block = reader.ReadBytes(Pattern.Length))
                {
                    Assert.Equal(Pattern, block);
                    Repeats++;
                }
            });
            Assert.False(ctx.TryLoadBinaryStream("None.bin", _ => Assert.Fail("There is no such stream.")));
            _ = env.Register("Notes");
        }

        public string Text { get; }

        public int Number { get; }

        public byte[] Pattern { get; }

        public int Repeats { get; private set; }

        public bool HasStream { get; }

        public VersionInfo WrittenAs { get; init; } = Version();

        public bool WriteTooMuch { get; init; }

        public Action? WhileSaving { get; init; }

        [field: ThreadStatic]
        public static VersionInfo ReadAs { get => field.LoaderSignature is null ? Version() : field; set; }

        public static VersionInfo Version(string signature = "NOTES TX", uint written = 0x00010002, uint readable = 0x00010001, uint back = 0x00010001)
            => new(signature, written, readable, back, typeof(Notes).Assembly.FullName!, LoadName);

        public void Save(ModelSaveContext ctx)
        {
            ctx.SetVersionInfo(WrittenAs);
            ctx.Writer.Write(Number);
            ctx.SaveNonEmptyString(Text);
            ctx.SaveString(Text);
            ctx.Writer.Write(Pattern.Length);
            ctx.Writer.Write(Pattern);
            if (WriteTooMuch) ctx.Writer.Write(0);
            ctx.SaveBinaryStream("Long.bin", writer =>
            {
                for (int i = 0; i < Repeats; i++) writer.Write(Pattern);
                writer.Flush();
                WhileSaving?.Invoke();
            });
        }

        public bool IsRowToRowMapper => false;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public IDataView Transform(IDataView input) => input;
    }
}

namespace System.Runtime.CompilerServices
{
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        public string AssemblyName { get; } = assemblyName;
    }
}
