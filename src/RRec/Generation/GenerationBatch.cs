using System.Runtime.InteropServices;
using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

/// <summary>
/// Prompts that run together, G rows each, one token per row and step. The rows form a rectangle [prompts, G], so that a prompt's keys are
/// held once. A finished row idles until enough have finished for the rectangle to shrink.
/// </summary>
internal sealed class GenerationBatch : IDisposable
{
    private readonly Backbone _backbone;
    private readonly GenerationOptions _options;
    private readonly ITokenSampler _sampler;
    private readonly HashSet<int> _endOfSequence;
    private readonly PaddedBatch _prompts;
    private readonly Backbone.Decoding _decoding;
    private readonly long[] _lastPromptToken;
    private GenerationRow[] _rows = [];
    private int _each;

    public GenerationBatch(Backbone backbone, IReadOnlyList<int[]> prompts, GenerationOptions options, ITokenSampler sampler, EmbeddingDelta? delta)
    {
        (_backbone, _options, _sampler, _each) = (backbone, options, sampler, options.SamplesPerPrompt);
        _endOfSequence = options.IgnoreEndOfSequence ? [] : [.. backbone.Config.EndOfSequenceIds];
        _prompts = PaddedBatch.FromRows(prompts, backbone.Config.PadId ?? 0, backbone.Device);
        _lastPromptToken = [.. prompts.Select(p => (long)p[^1])];
        _decoding = backbone.BeginDecoding(_prompts, _each, delta);
    }

    public List<GenerationRow> Finished { get; } = [];

    public void Run(Func<int, int, GenerationRow> newRow, CancellationToken cancellation)
    {
        _rows = [.. Enumerable.Range(0, _lastPromptToken.Length * _each).Select(i => newRow(i / _each, i % _each))];
        long[] feed = [.. _rows.Select(r => _lastPromptToken[r.Prompt])];
        bool[] forced = new bool[feed.Length];
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            using (DisposeScope scope = NewDisposeScope())
            {
                Tensor hidden = _decoding.Step(feed, [.. _rows.Select(r => r.Position)]);   // [rows, hidden]
                for (int i = 0; i < _rows.Length; i++)
                    if (_rows[i].Embedding is null) _rows[i].Fed(forced[i]);
                Collect(hidden);
                Choose(hidden, feed);
            }
            if (_rows.All(r => r.Embedding is not null)) break;
            Shrink(ref feed);
            if (forced.Length != _rows.Length) forced = new bool[_rows.Length];
            for (int i = 0; i < _rows.Length; i++)
            {
                forced[i] = _rows[i].Stopped && _rows[i].Embedding is null;
                if (forced[i]) feed[i] = _rows[i].NextForced();
            }
        }
        Finished.AddRange(_rows.Where(r => !Finished.Contains(r)));
    }

    // Embeddings of the rows that were just fed their last answer token.
    private void Collect(Tensor hidden)
    {
        List<int> done = [.. Indexes(r => r.FedAll && r.Embedding is null)];
        if (done.Count == 0) return;
        Tensor rows = done.Count == _rows.Length ? hidden : hidden.index_select(0, HostTensors.Long(done, _backbone.Device));
        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(rows.cpu().contiguous().bytes);
        int width = _backbone.Config.HiddenSize;
        for (int i = 0; i < done.Count; i++) _rows[done[i]].Embedding = values.Slice(i * width, width).ToArray();
    }

    // Next tokens of the rows that still reason.
    private void Choose(Tensor hidden, long[] feed)
    {
        if (_options.MaxNewTokens == 0)
        {
            foreach (GenerationRow r in _rows)
                if (!r.Stopped) r.StopAtOnce();
            return;
        }
        List<int> live = [.. Indexes(r => !r.Stopped)];
        if (live.Count == 0) return;
        Tensor logits = _backbone.Logits(live.Count == _rows.Length ? hidden : hidden.index_select(0, HostTensors.Long(live, _backbone.Device)));
        double[] noise = [.. live.Select(i => _options.Temperature == 0 ? 0 : _rows[i].NextNoise())];
        var ids = new int[live.Count];
        _sampler.Sample(logits, noise, ids);
        ReadOnlySpan<float> logProbs = default;
        if (_options.LogProbabilities)
        {
            Tensor chosen = HostTensors.Long(ids, _backbone.Device);
            Tensor lp = logits.gather(1, chosen.unsqueeze(1)).squeeze(1) - logits.logsumexp(-1);
            logProbs = MemoryMarshal.Cast<byte, float>(lp.cpu().contiguous().bytes);
        }
        for (int k = 0; k < live.Count; k++)
        {
            GenerationRow row = _rows[live[k]];
            int fed = row.Sampled;   // all of its sampled tokens have been fed before this one
            feed[live[k]] = ids[k];
            int keep = row.Take(ids[k], logProbs.IsEmpty ? 0 : logProbs[k], _endOfSequence.Contains(ids[k]), _options.MaxNewTokens);
            if (keep < 0) continue;
            // Column 0 holds the prompt's last token, column 1 + i sampled token i.
            for (int i = keep; i < fed; i++) _decoding.Discard(live[k], 1 + i);
        }
    }

    private IEnumerable<int> Indexes(Func<GenerationRow, bool> wanted)
    {
        for (int i = 0; i < _rows.Length; i++)
            if (wanted(_rows[i])) yield return i;
    }

    // Drops prompts that have no running row left, and as many rows of the others as none of them needs, once a quarter is idle.
    private void Shrink(ref long[] feed)
    {
        int prompts = _rows.Length / _each;
        int[] running = new int[prompts];
        for (int i = 0; i < _rows.Length; i++)
            if (_rows[i].Embedding is null) running[i / _each]++;
        int each = running.Max(), left = running.Count(n => n > 0);
        if (left * each * 4 > _rows.Length * 3) return;
        int[] keptPrompts = [.. Enumerable.Range(0, prompts).Where(p => running[p] > 0)];
        var kept = new List<int>(left * each);
        foreach (int p in keptPrompts)
        {
            int[] own = [.. Enumerable.Range(p * _each, _each)];
            kept.AddRange(own.OrderBy(i => _rows[i].Embedding is null ? 0 : 1).Take(each));
        }
        HashSet<int> staying = [.. kept];
        for (int i = 0; i < _rows.Length; i++)
            if (!staying.Contains(i)) Finished.Add(_rows[i]);
        _decoding.Select(keptPrompts, [.. kept]);
        long[] before = feed;
        feed = [.. kept.Select(i => before[i])];
        _rows = [.. kept.Select(i => _rows[i])];
        _each = each;
    }

    public void Dispose()
    {
        _decoding.Dispose();
        _prompts.Dispose();
    }
}
