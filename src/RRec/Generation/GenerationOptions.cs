namespace RRec.Generation;

/// <summary>How reasonings are sampled. Filters act in this order: temperature, top-k, top-p.</summary>
public sealed record GenerationOptions
{
    /// <summary>Logits are divided by this; 0 takes the best token always. 0 or more. R2ec trains at 2.0 and evaluates at 0.</summary>
    public double Temperature { get; init; }

    /// <summary>Only the k best tokens (and those tied with the last of them) can be drawn; 0: all. Ignored when greedy. R2ec's launcher: 50.</summary>
    public int TopK { get; init; }

    /// <summary>Only the best tokens that together have this probability can be drawn, in (0, 1]; 1: all. Ignored when greedy.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>The longest reasoning, in sampled tokens; 0 or more (0: the answer follows the prompt at once). R2ec's launcher: 640.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>G, the trajectories per prompt; 1 or more. R2ec: 4 in training, 1 in evaluation.</summary>
    public int SamplesPerPrompt { get; init; } = 1;

    /// <summary>Whether to record every sampled token's log-probability (at temperature 1, before any filter).</summary>
    public bool LogProbabilities { get; init; }

    /// <summary>Only these tokens can be written (distinct ids, answer and end of sequence among them); null (default): all. Where they are few the language head costs next to nothing.</summary>
    public IReadOnlyList<int>? Tokens { get; init; }

    /// <summary>The most rows that run at once; 1 or more. Fewer run where their keys and values would exceed <see cref="MemoryBudget"/>.</summary>
    public int MaxRows { get; init; } = 512;

    /// <summary>About how many bytes of keys, values and activations a batch may take; at least one prompt always runs.</summary>
    public long MemoryBudget { get; init; } = 1L << 30;

    /// <summary>The <see cref="MemoryBudget"/> of trainings and answers: 1 GiB where memory is the host's; 8 GiB on a GPU, where a step of more rows costs nearly the same.</summary>
    internal static long BudgetOn(TorchSharp.torch.Device device) => device.type == TorchSharp.DeviceType.CPU ? 1L << 30 : 8L << 30;

    /// <summary>Only tests do: goes on after an end of sequence, as the recorded generations do.</summary>
    internal bool IgnoreEndOfSequence { get; init; }

    /// <summary>
    /// How many tokens a row is fed between two looks of the host: what stops a reasoning is text, and text is on the host. 0: every token is chosen there.
    /// Null: 16 where the weights are not in the host's memory, else 0. Only tests set it.
    /// </summary>
    internal int? StepsAhead { get; init; }

    internal void Validate()
    {
        var problems = new List<string>();
        if (!(Temperature >= 0) || !double.IsFinite(Temperature)) problems.Add($"Temperature is {Temperature}; 0 or more is needed");
        if (TopK < 0) problems.Add($"TopK is {TopK}; 0 (off) or more is needed");
        if (!(TopP > 0 && TopP <= 1)) problems.Add($"TopP is {TopP}; a number in (0, 1] is needed");
        if (MaxNewTokens < 0) problems.Add($"MaxNewTokens is {MaxNewTokens}; 0 or more is needed");
        if (SamplesPerPrompt < 1) problems.Add($"SamplesPerPrompt is {SamplesPerPrompt}; 1 or more is needed");
        if (Tokens is { Count: 0 }) problems.Add("Tokens is empty; null allows all");
        if (MaxRows < 1) problems.Add($"MaxRows is {MaxRows}; 1 or more is needed");
        if (MemoryBudget < 1) problems.Add($"MemoryBudget is {MemoryBudget}; 1 or more is needed");
        if (problems.Count > 0) throw new ArgumentException("GenerationOptions: " + string.Join("; ", problems) + ".");
    }
}
