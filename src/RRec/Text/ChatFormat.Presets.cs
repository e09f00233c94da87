using System.Text.Json.Serialization;

namespace RRec.Text;

// The families as rows of data, each compared with its own chat template in tests (goldens/chat).
public sealed partial record ChatFormat
{
    /// <summary>No markers at all: contents follow one another. The start for a format of one's own, and the catalogue backbone's.</summary>
    [JsonIgnore]
    public static ChatFormat Plain { get; } = new() { Name = "plain" };

    /// <summary>ChatML without a system text of its own.</summary>
    [JsonIgnore]
    public static ChatFormat ChatML { get; } = new()
    {
        Name = "chatml",
        SystemStart = "<|im_start|>system\n",
        SystemEnd = "<|im_end|>\n",
        UserStart = "<|im_start|>user\n",
        UserEnd = "<|im_end|>\n",
        AssistantStart = "<|im_start|>assistant\n",
        AssistantEnd = "<|im_end|>\n",
    };

    /// <summary>Qwen2.5 Instruct (and Qwen2, whose system text differs: <see cref="Detect"/> takes it from the folder).</summary>
    [JsonIgnore]
    public static ChatFormat Qwen25 { get; } = ChatML with
    {
        Name = "chatml-qwen2.5",
        DefaultSystem = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    };

    /// <summary>Qwen3 as its template renders by default: the model may think first.</summary>
    [JsonIgnore]
    public static ChatFormat Qwen3 { get; } = ChatML with { Name = "chatml-qwen3", FinalAssistantPrefix = "<think>\n\n</think>\n\n" };

    /// <summary>Qwen3 with thinking switched off: the header ends in an empty thought.</summary>
    [JsonIgnore]
    public static ChatFormat Qwen3NoThinking { get; } = Qwen3 with { Name = "chatml-qwen3-no-thinking", GenerationSuffix = "<think>\n\n</think>\n\n" };

    /// <summary>SmolLM2 Instruct.</summary>
    [JsonIgnore]
    public static ChatFormat SmolLM2 { get; } = ChatML with
    {
        Name = "smollm2",
        DefaultSystem = "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    };

    /// <summary>Gemma 2: no system message, contents trimmed, strict turns.</summary>
    [JsonIgnore]
    public static ChatFormat Gemma2 { get; } = new()
    {
        Name = "gemma2",
        Begin = "<bos>",
        SystemPlacement = SystemPlacement.Unsupported,
        UserStart = "<start_of_turn>user\n",
        UserEnd = "<end_of_turn>\n",
        AssistantStart = "<start_of_turn>model\n",
        AssistantEnd = "<end_of_turn>\n",
        TrimContent = true,
        StrictTurns = true,
    };

    /// <summary>Gemma 3: as Gemma 2, and a system text opens the first user turn.</summary>
    [JsonIgnore]
    public static ChatFormat Gemma3 { get; } = Gemma2 with { Name = "gemma3", SystemPlacement = SystemPlacement.FirstUserTurn };

    /// <summary>Llama 3 Instruct.</summary>
    [JsonIgnore]
    public static ChatFormat Llama3 { get; } = new()
    {
        Name = "llama3",
        Begin = "<|begin_of_text|>",
        SystemStart = "<|start_header_id|>system<|end_header_id|>\n\n",
        SystemEnd = "<|eot_id|>",
        UserStart = "<|start_header_id|>user<|end_header_id|>\n\n",
        UserEnd = "<|eot_id|>",
        AssistantStart = "<|start_header_id|>assistant<|end_header_id|>\n\n",
        AssistantEnd = "<|eot_id|>",
        TrimContent = true,
        TrimSystem = true,
    };

    /// <summary>
    /// Llama 3.1/3.2 Instruct. Its template states two dates; today's is the fixed one the template itself falls back to, because a prompt
    /// that changes with the calendar would make a saved model answer differently every day.
    /// </summary>
    [JsonIgnore]
    public static ChatFormat Llama32 { get; } = Llama3 with
    {
        Name = "llama3.2",
        SystemPreamble = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    };

    /// <summary>All presets, by <see cref="Name"/>.</summary>
    [JsonIgnore]
    public static IReadOnlyDictionary<string, ChatFormat> Presets { get; } =
        new[] { Plain, ChatML, Qwen25, Qwen3, Qwen3NoThinking, SmolLM2, Gemma2, Gemma3, Llama3, Llama32 }.ToDictionary(f => f.Name);
}
