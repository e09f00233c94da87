using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using RRec.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.RecPO;

/// <summary>What two runs must share for one to continue the other: data, catalogue, backbone, settings and every option that touches the arithmetic.</summary>
internal sealed class Fingerprint
{
    // These change neither the weights that come out nor the order of things.
    private static readonly HashSet<string> Free = [nameof(RecPOOptions.CheckpointDirectory), nameof(RecPOOptions.CheckpointSteps), nameof(RecPOOptions.KeepCheckpoints), nameof(RecPOOptions.Clock)];

    private Fingerprint(Dictionary<string, string> values) => Values = values;

    /// <summary>Name and value, or a hash where the value is long.</summary>
    public IReadOnlyDictionary<string, string> Values { get; }

    public static Fingerprint Of(R2ecModel model, IReadOnlyList<PurchaseRow> train, IReadOnlyList<PurchaseRow> validation, RecPOOptions options)
    {
        Dictionary<string, string> values = new()
        {
            ["training rows"] = Hash(train),
            ["validation rows"] = Hash(validation),
            ["catalogue"] = Hash(model.Catalogue),
            ["backbone"] = Hash(model),
            ["settings"] = model.Settings.ToJson(),
        };
        foreach (PropertyInfo p in typeof(RecPOOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (Free.Contains(p.Name)) continue;
            object? value = p.GetValue(options);
            values[p.Name] = value switch
            {
                null => "none",
                IEnumerable<string> list => string.Join(' ', list),
                IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
                bool b => b ? "true" : "false",
                _ => value.ToString() ?? value.GetType().Name,
            };
        }

        return new Fingerprint(values);
    }

    /// <summary>One phrase per value that differs.</summary>
    public IReadOnlyList<string> DifferencesFrom(IReadOnlyDictionary<string, string> stored)
    {
        List<string> found = [];
        foreach ((string name, string value) in Values)
            if (!stored.TryGetValue(name, out string? there)) found.Add($"it has no {name}");
            else if (there != value) found.Add($"{name}: {there} there, {value} here");
        return found;
    }

    internal static string Hash(IReadOnlyList<PurchaseRow> rows)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (PurchaseRow row in rows)
        {
            hash.AppendData(BitConverter.GetBytes(row.Target));
            hash.AppendData(BitConverter.GetBytes(row.History.Now ?? long.MinValue));
            hash.AppendData(BitConverter.GetBytes(row.History.Items.Length));
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(row.History.Items.Span));
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(row.History.Ratings.Span));
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(row.History.Timestamps.Span));
        }

        return $"{rows.Count} rows {Short(hash)}";
    }

    private static string Hash(Catalogue catalogue)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (CatalogueItem item in catalogue.Items)
        {
            Append(hash, item.Id);
            Append(hash, item.Title);
            foreach (ItemAttribute a in item.Attributes)
            {
                Append(hash, a.Label);
                foreach (string v in a.Values) Append(hash, v);
            }
        }

        return $"{catalogue.Count} items {Short(hash)}";
    }

    // The configuration, and the first values of each weight: enough to tell checkpoints apart without reading gigabytes.
    private static string Hash(R2ecModel model)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Append(hash, model.Backbone.Config.ToJson());
        foreach ((string name, Tensor weight) in model.Backbone.HuggingFaceWeights().OrderBy(w => w.Key, StringComparer.Ordinal)) Append(hash, name, weight);
        foreach ((string name, Tensor weight) in model.Backbone.TrainableParameters()) Append(hash, name, weight);
        return Short(hash);
    }

    private static void Append(IncrementalHash hash, string name, Tensor weight)
    {
        Append(hash, name);
        Append(hash, string.Join("x", weight.shape));
        Tensor first = weight.detach().reshape(-1);
        first = first.narrow(0, 0, Math.Min(1024, first.shape[0])).to(ScalarType.Float32).cpu();
        foreach (float f in first.data<float>().ToArray()) hash.AppendData(BitConverter.GetBytes(f));
    }

    private static void Append(IncrementalHash hash, string text)
    {
        hash.AppendData(Encoding.UTF8.GetBytes(text));
        hash.AppendData([0]);
    }

    private static string Short(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
}
