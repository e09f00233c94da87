namespace RRec.Backbones;

/// <summary>
/// How positions are rotated into queries and keys: a base and, where a model was stretched to longer texts, a rule that slows the
/// frequencies down. Types other than the three below are refused by name.
/// </summary>
public sealed record RopeSettings
{
    /// <summary>The base of the frequencies, e.g. 10000.</summary>
    public required double Theta { get; init; }

    /// <summary><c>default</c>, <c>linear</c> or <c>llama3</c>.</summary>
    public string Type { get; init; } = "default";

    /// <summary>By how much <c>linear</c> and <c>llama3</c> stretch; at least 1.</summary>
    public double Factor { get; init; } = 1;

    /// <summary><c>llama3</c>: wavelengths above <see cref="OriginalPositions"/> / this are divided by <see cref="Factor"/>.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary><c>llama3</c>: wavelengths below <see cref="OriginalPositions"/> / this stay; those between are blended.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary><c>llama3</c>: the length the model was first trained at.</summary>
    public double OriginalPositions { get; init; } = 8192;

    /// <summary>The angle per position of each rotated pair, [headSize / 2], fastest first.</summary>
    public float[] InverseFrequencies(int headSize)
    {
        var result = new float[headSize / 2];
        for (int i = 0; i < result.Length; i++)
        {
            // In single precision from here on, as the reference computes it: the angles of far positions depend on the last bit.
            float frequency = 1f / MathF.Pow((float)Theta, 2f * i / headSize);
            result[i] = Type switch
            {
                "linear" => frequency / (float)Factor,
                "llama3" => Blend(frequency),
                _ => frequency,
            };
        }
        return result;
    }

    private float Blend(float frequency)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < OriginalPositions / HighFrequencyFactor) return frequency;
        if (wavelength > OriginalPositions / LowFrequencyFactor) return (float)(frequency / Factor);
        double smooth = (OriginalPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (float)((1 - smooth) * (frequency / Factor) + smooth * frequency);
    }

    /// <summary>Reads the scaling part (<c>rope_scaling</c>, or one entry of <c>rope_parameters</c>); null: no scaling.</summary>
    internal static RopeSettings Read(ConfigReader? c, double theta)
    {
        if (c is null) return new RopeSettings { Theta = theta };
        string type = c.TextOrNull("rope_type") ?? c.TextOrNull("type") ?? "default";
        theta = c.NumberOrNull("rope_theta") ?? theta;
        if (c.NumberOrNull("partial_rotary_factor") is double part && part != 1) throw c.Error($"partial_rotary_factor {part} is not supported; only whole heads are rotated");
        return type switch
        {
            "default" => new RopeSettings { Theta = theta },
            "linear" => new RopeSettings { Theta = theta, Type = type, Factor = c.Number("factor") },
            "llama3" => new RopeSettings
            {
                Theta = theta, Type = type, Factor = c.Number("factor"), LowFrequencyFactor = c.Number("low_freq_factor"),
                HighFrequencyFactor = c.Number("high_freq_factor"), OriginalPositions = c.Number("original_max_position_embeddings"),
            },
            _ => throw c.Error($"rope type '{type}' is not supported; supported are default, linear and llama3"),
        };
    }
}
