using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

/// <summary>The trained part of an adapted backbone: A [rank, in] and B [out, rank] of every adapted projection, single precision.</summary>
public sealed class LoraAdapter : IDisposable
{
    internal LoraAdapter(LoraOptions options, LoraLayer[] layers)
    {
        Options = options;
        Layers = layers;
    }

    /// <summary>Rank, scale and targets.</summary>
    public LoraOptions Options { get; }

    internal LoraLayer[] Layers { get; }

    /// <summary>Every A and B under the name peft's files have, e.g. <c>base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight</c>.</summary>
    public IEnumerable<(string Name, Tensor Parameter)> Parameters()
    {
        for (int i = 0; i < Layers.Length; i++)
        {
            foreach (LoraPart part in Layers[i].Parts())
            {
                string path = NameOf(i, part.Projection);
                yield return (path + ".lora_A.weight", part.A);
                yield return (path + ".lora_B.weight", part.B);
            }
        }
    }

    /// <summary>peft's path of a projection: <c>base_model.model.</c> before the checkpoint's own name.</summary>
    internal static string NameOf(int layer, string projection) =>
        $"base_model.model.model.layers.{layer}.{(projection is "gate_proj" or "up_proj" or "down_proj" ? "mlp" : "self_attn")}.{projection}";

    /// <summary>A fresh adapter: A uniform in ±1/sqrt(in) as peft makes it, B zero, so that it changes nothing yet.</summary>
    internal static LoraAdapter Create(BackboneConfig c, LoraOptions options, int seed, Device device)
    {
        options.Validate();
        var random = new Random(seed);
        return Build(c, options, (layer, projection, rows, columns) =>
        {
            if (!options.Targets.Contains(projection)) return null;
            double bound = 1 / Math.Sqrt(columns);
            var a = new float[options.Rank * columns];
            for (int i = 0; i < a.Length; i++) a[i] = (float)((2 * random.NextDouble() - 1) * bound);
            return (HostTensors.Float(a, device, options.Rank, columns), zeros([rows, options.Rank], dtype: ScalarType.Float32, device: device));
        });
    }

    /// <summary>Asks for A and B of each projection of each layer; null leaves it unadapted. The tensors become parameters owned by the adapter.</summary>
    internal static LoraAdapter Build(BackboneConfig c, LoraOptions options, Func<int, string, int, int, (Tensor A, Tensor B)?> make)
    {
        int q = c.Heads * c.HeadSize, kv = c.KeyValueHeads * c.HeadSize, h = c.HiddenSize, m = c.IntermediateSize;
        var layers = new LoraLayer[c.Layers];
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < layers.Length; i++)
        {
            LoraSite? Site(int columns, params (string Projection, int Rows)[] projections)
            {
                var parts = new List<LoraPart>();
                int at = 0;
                foreach ((string projection, int rows) in projections)
                {
                    if (make(i, projection, rows, columns) is var (a, b))
                        parts.Add(new LoraPart(projection, at, rows, Parameter(a), Parameter(b)));
                    at += rows;
                }
                return parts.Count == 0 ? null : new LoraSite(parts, at, options.Scale);
            }
            layers[i] = new LoraLayer(
                Site(h, ("q_proj", q), ("k_proj", kv), ("v_proj", kv)), Site(q, ("o_proj", h)),
                Site(h, ("gate_proj", m), ("up_proj", m)), Site(m, ("down_proj", h)));
        }
        return new LoraAdapter(options, layers);
    }

    /// <summary>
    /// Makes what the sites multiply by once for many passes without gradients, until the result is disposed: while text is written, joining and converting A and B
    /// anew for every token would cost more than the products. The weights must not change meanwhile. On a GPU that is two launches a site instead of a dozen.
    /// </summary>
    /// <param name="type">Of the activations.</param>
    internal IDisposable Prepare(ScalarType type)
    {
        LoraSite[] sites = [.. Layers.SelectMany(l => new[] { l.Qkv, l.Output, l.GateUp, l.Down }).OfType<LoraSite>()];
        foreach (LoraSite site in sites) site.Prepare(type);
        return new Prepared(sites);
    }

    private sealed class Prepared(LoraSite[] sites) : IDisposable
    {
        public void Dispose()
        {
            foreach (LoraSite site in sites) site.Release();
        }
    }

    /// <summary>Leaves of their own over the same numbers; see <see cref="Backbone.Twin"/>.</summary>
    internal LoraAdapter Twin()
    {
        static LoraSite? Site(LoraSite? site) => site is null ? null
            : new LoraSite([.. site.Parts.Select(p => p with { A = Parameter(p.A.detach()), B = Parameter(p.B.detach()) })], site.OutputRows, site.Scale);
        return new LoraAdapter(Options, [.. Layers.Select(l => new LoraLayer(Site(l.Qkv), Site(l.Output), Site(l.GateUp), Site(l.Down)))]);
    }

    private static Tensor Parameter(Tensor t) => t.requires_grad_().DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((string _, Tensor p) in Parameters()) p.Dispose();
    }
}

/// <summary>The adapted sites of one layer, by fused matrix.</summary>
internal sealed record LoraLayer(LoraSite? Qkv, LoraSite? Output, LoraSite? GateUp, LoraSite? Down)
{
    public IEnumerable<LoraPart> Parts() => new[] { Qkv, Output, GateUp, Down }.Where(s => s is not null).SelectMany(s => s!.Parts);
}

/// <summary>A and B of one projection and the rows [Start, Start + Rows) of the fused matrix that it adds to.</summary>
internal sealed record LoraPart(string Projection, int Start, int Rows, Tensor A, Tensor B);

/// <summary>All adapted projections that share one fused matrix: applied with two products, whatever their number.</summary>
internal sealed record LoraSite(IReadOnlyList<LoraPart> Parts, int OutputRows, double Scale)
{
    private (Tensor A, Tensor B)? _ready;   // [in, sum of ranks], [sum of ranks, out] in the activations' type
    private int _users;                     // that _ready was made for

    /// <summary>Adds the adapter's part for x [n, in] to the frozen product [n, out], which must be a fresh tensor that nothing else reads: in place.</summary>
    public Tensor Apply(Tensor x, Tensor product)
    {
        if (_ready is var (down, up) && down.dtype == x.dtype && !is_grad_enabled()) return product.addmm_(x.mm(down), up, 1, (float)Scale);
        if (Parts.Count == 1 && Parts[0].Rows == OutputRows)
            return product.addmm_(x.mm(Parts[0].A.to(x.dtype).t()), Parts[0].B.to(x.dtype).t(), 1, (float)Scale);
        // The As stacked, the Bs along a diagonal: [n, in] x [in, sum of ranks] x [sum of ranks, out].
        return product.addmm_(x.mm(Stacked().to(x.dtype).t()), Diagonal().to(x.dtype).t(), 1, (float)Scale);
    }

    /// <summary>See <see cref="LoraAdapter.Prepare"/>.</summary>
    public void Prepare(ScalarType type)
    {
        if (_users++ > 0) return;
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _ready = (Stacked().to(type).t().contiguous().DetachFromDisposeScope(), Diagonal().to(type).t().contiguous().DetachFromDisposeScope());
    }

    public void Release()
    {
        if (--_users > 0) return;
        _ready?.A.Dispose();
        _ready?.B.Dispose();
        _ready = null;
    }

    private Tensor Stacked() => Parts.Count == 1 ? Parts[0].A : cat(Parts.Select(p => p.A).ToArray(), 0);

    private Tensor Diagonal()
    {
        var blocks = new List<Tensor>();
        int at = 0;
        foreach (LoraPart p in Parts)
        {
            if (p.Start > at) blocks.Add(zeros([p.Start - at, 0], dtype: p.B.dtype, device: p.B.device));
            blocks.Add(p.B);
            at = p.Start + p.Rows;
        }
        if (at < OutputRows) blocks.Add(zeros([OutputRows - at, 0], dtype: Parts[0].B.dtype, device: Parts[0].B.device));
        return block_diag([.. blocks]);
    }

    /// <summary>Adds scale B A to a fused matrix in place.</summary>
    public void MergeInto(Tensor weight)
    {
        foreach (LoraPart p in Parts)
        {
            using DisposeScope scope = NewDisposeScope();
            weight.narrow(0, p.Start, p.Rows).add_(p.B.mm(p.A).mul(Scale).to(weight.dtype));
        }
    }
}
