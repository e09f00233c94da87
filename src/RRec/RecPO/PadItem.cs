using System.Globalization;
using RRec.Backbones;
using RRec.Data;
using RRec.Ranking;
using RRec.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>
/// Oddity O6: the authors' item table begins with a padding item, whose text is encoded like any other. History lists are padded with it, so it is masked for every user
/// but those with the longest history of a step, and for these it is one more candidate. Only <see cref="Compatibility.Official"/> has it, in the rewards.
/// </summary>
internal sealed class PadItem : IDisposable
{
    private readonly Backbone _backbone;
    private readonly int[] _prompt;

    public PadItem(R2ecModel model)
    {
        _backbone = model.Backbone;
        Catalogue alone = new([Like(model.Catalogue.Items[0])], model.Catalogue.Category, model.Catalogue.CategoryPlural);
        _prompt = new PromptWriter(model.Tokenizer, model.Chat, model.Prompts, alone).ItemPrompt(0, model.Settings.MaxItemTokens);
        Vector = zeros(1, _backbone.Config.HiddenSize, dtype: ScalarType.Float32, device: _backbone.Device).DetachFromDisposeScope();
    }

    /// <summary>Its row of the table, of length 1: f32 <c>[1, hidden]</c>.</summary>
    public Tensor Vector { get; }

    /// <summary>Encodes it anew; due whenever the whole table is.</summary>
    public void Encode()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using PaddedBatch batch = PaddedBatch.FromRows([_prompt], device: _backbone.Device);
        Vector.copy_(ItemTable.Normalize(_backbone.LastHidden(batch)));
    }

    /// <summary>For each user its score for the padding item, or null where its history is shorter than another's.</summary>
    /// <param name="users">Unit vectors, f32 <c>[n, hidden]</c>.</param>
    /// <param name="temperature">tau.</param>
    /// <param name="histories">The length of each user's history.</param>
    public float?[] Scores(Tensor users, double temperature, int[] histories)
    {
        int longest = histories.Max();
        float[] scores = HostTensors.Read<float>(users.matmul(Vector.t()) / temperature); // [n]
        return [.. scores.Select((s, i) => histories[i] == longest ? s : (float?)null)];
    }

    public void Dispose() => Vector.Dispose();

    // As the authors write it: title pad_title, numbers 0, texts empty; the labels are this catalogue's.
    private static CatalogueItem Like(CatalogueItem item) => new("pad", "pad_title", [.. item.Attributes.Select(a =>
        new ItemAttribute(a.Label, [a.Values is [string one] && double.TryParse(one, NumberStyles.Float, CultureInfo.InvariantCulture, out double _) ? "0" : ""]))]);
}
