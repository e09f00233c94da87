using RRec.Backbones;
using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

/// <summary>Chooses next tokens. Trainer and scorer use the same object; another one can be put in its place.</summary>
public interface ITokenSampler
{
    /// <summary>Chooses one token per row.</summary>
    /// <param name="logits">[rows, vocabulary], single precision.</param>
    /// <param name="noise">Per row a number in [0, 1); the choice depends on it and on the row's logits only.</param>
    /// <param name="ids">Receives the tokens.</param>
    void Sample(Tensor logits, ReadOnlySpan<double> noise, Span<int> ids);
}

/// <summary>
/// Temperature, then top-k, then top-p, then one draw by the inverse of the cumulative distribution: one random number per token, whatever
/// the vocabulary. With top-k the device sends the host only the candidates. Like the reference, top-k keeps what is tied with its last
/// candidate, and top-p keeps the candidate with which the probability is reached.
/// </summary>
public sealed partial class TokenSampler : ITokenSampler
{
    private readonly double _temperature, _topP;
    private readonly int _topK;

    /// <summary>Takes temperature, top-k and top-p of the options.</summary>
    public TokenSampler(GenerationOptions options)
    {
        options.Validate();
        (_temperature, _topK, _topP) = (options.Temperature, options.TopK, options.TopP);
    }

    /// <inheritdoc/>
    public void Sample(Tensor logits, ReadOnlySpan<double> noise, Span<int> ids)
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = (int)logits.shape[0], vocabulary = (int)logits.shape[1];
        if (rows > 0 && logits.device_type == DeviceType.CPU && logits.dtype == ScalarType.Float32 && logits.is_contiguous() && Vectors.Supported)
        {
            SampleHere(logits, rows, vocabulary, noise, ids);
            return;
        }
        if (_temperature == 0)
        {
            ReadOnlySpan<long> best = HostTensors.Read<long>(logits.argmax(-1));
            for (int i = 0; i < rows; i++) ids[i] = (int)best[i];
            return;
        }
        // A few more than k, to see whether others tie with the last.
        int most = _topK == 0 ? vocabulary : Math.Min(vocabulary, _topK + 4);
        ReadOnlySpan<float> values;
        ReadOnlySpan<long> indexes = default;
        if (most < vocabulary)
        {
            (Tensor top, Tensor where) = logits.topk(most);
            values = HostTensors.Read<float>(top);
            indexes = HostTensors.Read<long>(where);
        }
        else values = HostTensors.Read<float>(logits);
        var candidates = new Candidate[Math.Max(most, 16)];
        for (int i = 0; i < rows; i++)
        {
            ReadOnlySpan<float> row = values.Slice(i * most, most);
            if (most < vocabulary && row[_topK - 1] == row[most - 1])
            {
                // More ties than were fetched: rare outside of coarse types.
                using Tensor whole = logits[i];
                ids[i] = Draw(Fill(HostTensors.Read<float>(whole), default, ref candidates), noise[i]);
            }
            else ids[i] = Draw(Fill(row, most < vocabulary ? indexes.Slice(i * most, most) : default, ref candidates), noise[i]);
        }
    }

    // Logits in the host's memory: rows are shared among threads, and nothing is copied.
    private unsafe void SampleHere(Tensor logits, int rows, int vocabulary, ReadOnlySpan<double> noise, Span<int> ids)
    {
        double[] random = noise.ToArray();
        var chosen = new int[rows];
        using Tensor first = logits.narrow(0, 0, 1);   // a span ends at 2 GiB, the logits need not
        fixed (byte* data = first.bytes)
        {
            float* all = (float*)data;
            WorkerTeam.Of(get_num_threads()).For(rows, r =>
            {
                float* row = all + (long)r * vocabulary;
                if (_temperature == 0) chosen[r] = LogitScan.Best(row, vocabulary);
                else if (_topK == 0 && _topP >= 1) chosen[r] = LogitScan.Draw(row, vocabulary, _temperature, random[r]);
                else if (_topK > 0 && _topK < vocabulary)
                {
                    var kept = new List<int>(_topK + 4);
                    LogitScan.AtLeast(row, vocabulary, LogitScan.Highest(row, vocabulary, _topK), kept);
                    var candidates = new Candidate[kept.Count];
                    for (int i = 0; i < candidates.Length; i++) candidates[i] = new Candidate(row[kept[i]], kept[i]);
                    chosen[r] = Draw(candidates, random[r]);
                }
                else
                {
                    var candidates = new Candidate[vocabulary];
                    chosen[r] = Draw(Fill(new ReadOnlySpan<float>(row, vocabulary), default, ref candidates), random[r]);
                }
            });
        }
        chosen.CopyTo(ids);
    }

    /// <summary>The probability of every token of one row after the filters: what tests compare with the reference.</summary>
    /// <param name="logits">One row, [vocabulary].</param>
    internal double[] Probabilities(ReadOnlySpan<float> logits)
    {
        var candidates = new Candidate[logits.Length];
        Span<Candidate> kept = Filter(Fill(logits, default, ref candidates), out double total);
        var result = new double[logits.Length];
        foreach (Candidate c in kept) result[c.Id] = c.Weight / total;
        return result;
    }

    private static Span<Candidate> Fill(ReadOnlySpan<float> values, ReadOnlySpan<long> indexes, ref Candidate[] candidates)
    {
        if (candidates.Length < values.Length) candidates = new Candidate[values.Length];
        for (int i = 0; i < values.Length; i++) candidates[i] = new Candidate(values[i], indexes.IsEmpty ? i : (int)indexes[i]);
        return candidates.AsSpan(0, values.Length);
    }

    private int Draw(Span<Candidate> candidates, double noise)
    {
        Span<Candidate> kept = Filter(candidates, out double total);
        double target = noise * total, sum = 0;
        foreach (Candidate c in kept)
        {
            sum += c.Weight;
            if (sum > target) return c.Id;
        }
        return kept[^1].Id;   // rounding of the sum
    }

    /// <summary>Applies the filters and sets the weights. Without filters the order stays that of the ids, else it is best first.</summary>
    private Span<Candidate> Filter(Span<Candidate> candidates, out double total)
    {
        if (_topK == 0 && _topP >= 1)
        {
            float max = float.NegativeInfinity;
            foreach (Candidate c in candidates) max = Math.Max(max, c.Logit);
            total = Weigh(candidates, max);
            return candidates;
        }
        candidates.Sort();
        if (_topK > 0 && _topK < candidates.Length)
        {
            int n = _topK;
            while (n < candidates.Length && candidates[n].Logit == candidates[_topK - 1].Logit) n++;
            candidates = candidates[..n];
        }
        total = Weigh(candidates, candidates[0].Logit);
        if (_topP >= 1) return candidates;
        double before = 0, limit = _topP * total;
        int keep = 0;
        while (keep < candidates.Length && (keep == 0 || before < limit)) before += candidates[keep++].Weight;
        total = before;
        return candidates[..keep];
    }

    private double Weigh(Span<Candidate> candidates, float max)
    {
        double total = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            double weight = Math.Exp(((double)candidates[i].Logit - max) / _temperature);
            candidates[i].Weight = weight;
            total += weight;
        }
        return total;
    }

    // Sorts best first, equal ones by id: which of several tied tokens top-p keeps is arbitrary, but must not depend on the batch.
    private struct Candidate(float logit, int id) : IComparable<Candidate>
    {
        public readonly float Logit = logit;
        public readonly int Id = id;
        public double Weight;

        public readonly int CompareTo(Candidate other)
        {
            int byLogit = other.Logit.CompareTo(Logit);
            return byLogit != 0 ? byLogit : Id.CompareTo(other.Id);
        }
    }
}
