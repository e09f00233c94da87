using RRec.Backbones;

namespace RRec.Benchmarks;

/// <summary>
/// Floating-point operations that an update needs, counted from shapes: products only, two a multiplication with addition; attention over what each token may see.
/// With LoRA on frozen weights the backward pass needs as many operations as the forward pass (no gradients of the weights), for attention's products twice as many.
/// The adapter itself (below 1% at rank 4) is not counted.
/// </summary>
internal sealed class UpdateFlops(BackboneConfig config)
{
    private readonly double _layers = config.Layers * (double)((config.Heads + 2 * config.KeyValueHeads) * config.HeadSize * (long)config.HiddenSize + (long)config.Heads * config.HeadSize * config.HiddenSize + 3L * config.IntermediateSize * config.HiddenSize);
    private readonly double _seen = config.Layers * (double)config.Heads * config.HeadSize * 2;   // multiplications for one token that sees one other: scores and mixture
    private readonly double _head = (double)config.VocabularySize * config.HiddenSize;

    /// <summary>One forward pass of so many tokens that together see so many.</summary>
    public double Forward(double tokens, double seen) => 2 * (_layers * tokens + _seen * seen);

    private double Both(double tokens, double seen) => 4 * _layers * tokens + 6 * _seen * seen;

    /// <summary>Forward and backward of the language head.</summary>
    public double Head(double tokens) => 4 * _head * tokens;

    /// <summary>B prompts of P tokens with G completions of C tokens each, every prompt once.</summary>
    public double Shared(double b, double g, double p, double c) => b * (Both(p + g * c, p * p / 2 + g * c * (p + c / 2)) + Head(g * c));

    /// <summary>The same, every prompt G times.</summary>
    public double Unshared(double b, double g, double p, double c) => b * g * (Both(p + c, (p + c) * (p + c) / 2) + Head(c));
}
