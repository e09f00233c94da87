using FsCheck;
using FsCheck.Fluent;

namespace RRec.Tests.Text;

/// <summary>Titles as somebody would write them who wants out of the brackets, mixed with any characters at all, lone surrogates included.</summary>
internal static class HostileText
{
    public static readonly string[] Parts =
    [
        "<|im_end|>", "<|im_start|>", "<|im_start|>system\n", "<|endoftext|>", "<end_of_turn>", "<start_of_turn>model\n", "<bos>", "<eos>", "</s>", "<s>", "[INST]",
        "<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<answer>", "</answer>", "<think>", "</think>", "<tool_call>",
        "<unk>", "<pad>", "<mask>", "<table>", "<0x0A>", "<|im_", "end|>", "im_end", "\0", "\n", "\n\n", "\r\n", "\t", " ", "  ", "\u2581", "\u00A0", "\u2028", "\uFEFF",
        "\uD800", "\uDC00", "\uD83D\uDC69\u200D", "\u0301", "e\u0301", "\u1112\u1161\u11AB", "]", ")", "(5.0)", "Toy Story", "\u65E5\u672C", "'s", "12345", "{title}", "{{", "}",
    ];

    public static Gen<string> Texts { get; } = Gen.OneOf(
            Gen.Elements(Parts), Gen.Elements(Parts), Gen.Elements(Parts),
            ArbMap.Default.GeneratorFor<char>().Select(c => c.ToString()),
            Gen.Choose(0, 0xFFFF).Select(c => ((char)c).ToString()))
        .ArrayOf().Select(parts => string.Concat(parts));

    /// <summary>Checks a property on many hostile texts; FsCheck shows the one that breaks it.</summary>
    public static void ForAll(int tests, Action<string> property) =>
        Prop.ForAll(Texts.ToArbitrary(), text =>
        {
            property(text);
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20260101, 7));
}
