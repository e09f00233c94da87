using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

/// <summary>
/// One generation: rows run together, one token per row and step; a row that has its answer leaves, and waiting prompts enter as soon as a good part of the places or
/// of the memory is free. Who runs beside whom has no influence on what a row writes.
/// </summary>
internal sealed partial class GenerationRun : IDisposable
{
    private readonly Backbone _backbone;
    private readonly GenerationOptions _options;
    private readonly ITokenSampler _sampler;
    private readonly HashSet<int> _endOfSequence;
    private readonly IReadOnlyList<int[]> _prompts;
    private readonly Func<int, int, GenerationRow> _newRow;
    private readonly Func<int, long> _cost;
    private readonly Queue<int> _waiting;
    private readonly Decoding _decoding;
    private readonly Dictionary<int, int> _running = [];   // rows that each prompt has here
    private readonly List<GenerationRow> _rows = [];
    private long _used;

    /// <param name="backbone">The model.</param>
    /// <param name="prompts">All prompts; longest first they enter, so that like lengths run together, and if memory is short it is short at once.</param>
    /// <param name="options">How many rows and how much memory at once, and how to sample.</param>
    /// <param name="sampler">Chooses tokens.</param>
    /// <param name="delta">Added to the input embeddings.</param>
    /// <param name="newRow">Makes the row of a prompt and a sample.</param>
    /// <param name="cost">Bytes that a prompt with its rows takes.</param>
    public GenerationRun(Backbone backbone, IReadOnlyList<int[]> prompts, GenerationOptions options, ITokenSampler sampler, EmbeddingDelta? delta, Func<int, int, GenerationRow> newRow, Func<int, long> cost)
    {
        (_backbone, _prompts, _options, _sampler, _newRow, _cost) = (backbone, prompts, options, sampler, newRow, cost);
        _endOfSequence = options.IgnoreEndOfSequence ? [] : [.. backbone.Config.EndOfSequenceIds];
        _waiting = new Queue<int>(Enumerable.Range(0, prompts.Count).OrderByDescending(i => prompts[i].Length));
        _decoding = backbone.BeginDecoding(delta);
        int ahead = options.StepsAhead ?? (backbone.Device.type == DeviceType.CPU ? 0 : 16);
        if (_decoding.RunsAhead && sampler is TokenSampler own && ahead > 0) (_ahead, _onDevice) = (ahead, own);
        if (_onDevice is not null && options.Tokens is { } tokens) _allowed = HostTensors.Long(tokens, backbone.Device).DetachFromDisposeScope();
    }

    /// <summary>The most rows that have run together.</summary>
    public int MostRows { get; private set; }

    /// <summary>How often prompts entered while others ran.</summary>
    public int Refills { get; private set; }

    /// <summary>Runs to the end and hands out rows as they finish.</summary>
    public void Run(Action<GenerationRow> finished, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            Refill();
            if (_rows.Count == 0) return;
            if (_onDevice is not null) RunAhead(_onDevice);
            else OneStep();
            Leave(finished);
        }
    }

    private void OneStep()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = _decoding.Step([.. _rows.Select(r => r.Next)], [.. _rows.Select(r => r.Position)]);   // [rows, hidden]
        foreach (GenerationRow row in _rows) row.Fed();
        Collect(hidden);
        Choose(hidden);
    }

    private void Refill()
    {
        if (_waiting.Count == 0) return;
        int each = _options.SamplesPerPrompt, places = _rows.Count == 0 ? Math.Max(1, _options.MaxRows / each) : (_options.MaxRows - _rows.Count) / each;
        long left = _options.MemoryBudget - _used;
        var entering = new List<int>();
        foreach (int prompt in _waiting)
        {
            long cost = _cost(prompt);
            if (entering.Count >= places || (cost > left && (entering.Count > 0 || _rows.Count > 0))) break;
            left -= cost;
            entering.Add(prompt);
        }
        // A few at a time would make many small passes.
        int most = (int)Math.Max(1, Math.Min(_options.MaxRows / each, _options.MemoryBudget / _cost(_waiting.Peek())));
        if (_rows.Count > 0 && entering.Count < Math.Min(_waiting.Count, (most + 3) / 4)) return;
        if (_rows.Count > 0) Refills++;
        foreach (int prompt in entering)
        {
            _waiting.Dequeue();
            _used += _cost(prompt);
            _running[prompt] = each;
            for (int sample = 0; sample < each; sample++) _rows.Add(_newRow(prompt, sample));
        }
        _decoding.Enter([.. entering.Select(p => _prompts[p])], entering, each);
        MostRows = Math.Max(MostRows, _rows.Count);
    }

    // Embeddings of the rows that were just fed their last answer token.
    private void Collect(Tensor hidden)
    {
        List<int> done = [.. Indexes(r => r.FedAll)];
        if (done.Count == 0) return;
        Tensor rows = done.Count == _rows.Count ? hidden : hidden.index_select(0, HostTensors.Long(done, _backbone.Device));
        float[] values = HostTensors.Read<float>(rows);
        int width = _backbone.Config.HiddenSize;
        for (int i = 0; i < done.Count; i++) _rows[done[i]].Embedding = values[(i * width)..((i + 1) * width)];
    }

    // Next tokens of the rows that still reason.
    private void Choose(Tensor hidden)
    {
        if (_options.MaxNewTokens == 0)
        {
            StopAll();
            return;
        }
        List<int> live = [.. Indexes(r => !r.Stopped)];
        if (live.Count == 0) return;
        Tensor states = live.Count == _rows.Count ? hidden : hidden.index_select(0, HostTensors.Long(live, _backbone.Device));
        IReadOnlyList<int>? allowed = _options.Tokens;
        Tensor logits = allowed is null ? _decoding.Logits(states) : _backbone.Logits(states, allowed);
        if (allowed is not null && _sampler is not TokenSampler)
        {
            // Somebody else's sampler reads token ids off the columns.
            logits = full([live.Count, _backbone.Config.VocabularySize], float.NegativeInfinity, device: logits.device).index_copy_(1, HostTensors.Long(allowed, _backbone.Device), logits);
            allowed = null;
        }
        double[] noise = [.. live.Select(i => _options.Temperature == 0 ? 0 : _rows[i].NextNoise())];
        var ids = new int[live.Count];
        _sampler.Sample(logits, noise, ids);
        float[]? logProbs = null;
        if (_options.LogProbabilities)
        {
            Tensor chosen = HostTensors.Long(ids, _backbone.Device);
            Tensor lp = logits.gather(1, chosen.unsqueeze(1)).squeeze(1) - logits.logsumexp(-1);
            logProbs = HostTensors.Read<float>(lp);
        }
        for (int k = 0; k < live.Count; k++) Take(live[k], allowed is null ? ids[k] : allowed[ids[k]], logProbs?[k] ?? 0);
    }

    private void StopAll()
    {
        foreach (GenerationRow r in _rows)
            if (!r.Stopped) r.StopAtOnce();
    }

    // Whether the token ended the row's reasoning.
    private bool Take(int row, int id, double logProb)
    {
        int keep = _rows[row].Take(id, logProb, _endOfSequence.Contains(id), _options.MaxNewTokens);
        if (keep >= 0) _decoding.Truncate(row, 1 + keep);   // the prompt's last token, then what stays of the sampled ones
        return keep >= 0;
    }

    private void Leave(Action<GenerationRow> finished)
    {
        int[] staying = [.. Indexes(r => r.Embedding is null)];
        if (staying.Length == _rows.Count) return;
        foreach (GenerationRow row in _rows)
        {
            if (row.Embedding is null) continue;
            finished(row);
            if (--_running[row.Prompt] > 0) continue;
            _running.Remove(row.Prompt);
            _used -= _cost(row.Prompt);
        }
        GenerationRow[] kept = [.. staying.Select(i => _rows[i])];
        _rows.Clear();
        _rows.AddRange(kept);
        _decoding.Keep(staying);
    }

    private IEnumerable<int> Indexes(Func<GenerationRow, bool> wanted)
    {
        for (int i = 0; i < _rows.Count; i++)
            if (wanted(_rows[i])) yield return i;
    }

    public void Dispose()
    {
        _allowed?.Dispose();
        _decoding.Dispose();
    }
}
