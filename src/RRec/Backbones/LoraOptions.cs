namespace RRec.Backbones;

/// <summary>Low-rank adaptation (Hu et al. 2021): each adapted matrix W becomes W + scale B A with small A and B; W stays frozen.</summary>
public sealed record LoraOptions
{
    /// <summary>The seven projections of a layer, by their checkpoint names.</summary>
    public static readonly IReadOnlyList<string> AllProjections = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>Rows of A; 1 or more. R2ec's launcher: 4.</summary>
    public int Rank { get; init; } = 4;

    /// <summary>The scale is this / <see cref="Rank"/>. R2ec's launcher: 128, a scale of 32.</summary>
    public double Alpha { get; init; } = 128;

    /// <summary>The scale is Alpha / sqrt(Rank) instead (Kalajdzievski 2023).</summary>
    public bool RankStabilised { get; init; }

    /// <summary>Which projections are adapted; a subset of <see cref="AllProjections"/>.</summary>
    public IReadOnlyList<string> Targets { get; init; } = AllProjections;

    /// <summary>What B A is multiplied by.</summary>
    public double Scale => Alpha / (RankStabilised ? Math.Sqrt(Rank) : Rank);

    internal void Validate()
    {
        var problems = new List<string>();
        if (Rank < 1) problems.Add($"Rank is {Rank}; at least 1 is needed");
        if (!(Alpha > 0) || !double.IsFinite(Alpha)) problems.Add($"Alpha is {Alpha}; a positive number is needed");
        if (Targets.Count == 0) problems.Add("Targets is empty; name at least one projection");
        foreach (string t in Targets)
            if (!AllProjections.Contains(t)) problems.Add($"Targets holds '{t}'; known are {string.Join(", ", AllProjections)}");
        if (problems.Count > 0) throw new ArgumentException("LoraOptions: " + string.Join("; ", problems) + ".");
    }
}
