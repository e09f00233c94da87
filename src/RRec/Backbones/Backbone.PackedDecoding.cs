using RRec.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

public sealed partial class Backbone
{
    /// <summary>Decoding by the packed decoder: every row a sequence of its own that continues its prompt's, which may continue an instruction's.</summary>
    private sealed class PackedDecoding : Decoding
    {
        private readonly Backbone _backbone;
        private readonly EmbeddingDelta? _delta;
        private readonly PackedWeights _weights;
        private readonly KvPages _pages;
        private readonly List<(KvSequence Sequence, int Index)> _rows = [];
        private KvSequence? _start;   // what the first prompts to enter had in common
        private int[] _startIds = [];
        private readonly int _most;   // tokens of a pass
        private Tensor? _logits;

        public PackedDecoding(Backbone backbone, EmbeddingDelta? delta)
        {
            (_backbone, _delta) = (backbone, delta);
            _weights = new PackedWeights(backbone._decoder.Weights, backbone.Adapter);
            _most = PackedDecoder.TokensPerPass(_weights);
            _pages = new KvPages(backbone.Config.Layers, backbone.Config.KeyValueHeads, backbone.Config.HeadSize);
        }

        public override int Rows => _rows.Count;

        public override void Enter(IReadOnlyList<int[]> prompts, IReadOnlyList<int> indexes, int each)
        {
            if (_start is null && _delta is null && prompts.Count > 1) Share(prompts);
            var tokens = new PackedTokens();
            var pending = new List<int>();   // the prompt index of every pending token, where somebody asks
            for (int i = 0; i < prompts.Count; i++)
            {
                int[] ids = prompts[i][..^1];
                KvSequence? parent = _start is not null && ids.AsSpan().StartsWith(_startIds) ? _start : null;
                KvSequence prompt = new(_pages, parent);
                for (int at = parent?.End ?? 0; at < ids.Length;)
                {
                    int count = Math.Min(ids.Length - at, _most - tokens.Count);
                    tokens.Add(prompt, ids.AsSpan(at, count), wantLast: false);
                    pending.AddRange(Enumerable.Repeat(indexes[i], count));
                    at += count;
                    if (tokens.Count == _most) Flush(ref tokens, pending);
                }
                for (int g = 0; g < each; g++) _rows.Add((new KvSequence(_pages, prompt), indexes[i]));
                prompt.Dispose();   // held by its rows from here on
            }
            if (tokens.Count > 0) Flush(ref tokens, pending);
        }

        // The instruction: what all prompts begin with.
        private void Share(IReadOnlyList<int[]> prompts)
        {
            ReadOnlySpan<int> common = prompts[0].AsSpan(..^1);
            for (int i = 1; i < prompts.Count; i++) common = common[..common.CommonPrefixLength(prompts[i].AsSpan(..^1))];
            if (common.Length < LeastShared) return;
            _startIds = common.ToArray();
            _start = new KvSequence(_pages);
            for (int at = 0; at < common.Length; at += _most)
            {
                var tokens = new PackedTokens();
                tokens.Add(_start, common.Slice(at, Math.Min(_most, common.Length - at)), wantLast: false);
                Flush(ref tokens, []);
            }
        }

        private void Flush(ref PackedTokens tokens, List<int> indexes)
        {
            using DisposeScope scope = NewDisposeScope();
            _backbone.RunPacked(_weights, tokens, Delta(tokens, indexes));
            tokens = new PackedTokens();
            indexes.Clear();
        }

        // A row of one token each: what is added to a token depends on it and on its prompt.
        private Tensor? Delta(PackedTokens tokens, IReadOnlyList<int> indexes) =>
            _delta?.Invoke(HostTensors.Long(tokens.Ids, _backbone.Device).view(-1, 1), indexes);

        public override Tensor Step(ReadOnlySpan<long> tokens, ReadOnlySpan<int> positions)
        {
            using DisposeScope scope = NewDisposeScope();
            var fed = new PackedTokens();
            for (int i = 0; i < tokens.Length; i++)
            {
                if (_rows[i].Sequence.End != positions[i]) throw new InvalidOperationException($"Row {i} is at {_rows[i].Sequence.End}, not at {positions[i]}.");
                fed.Add(_rows[i].Sequence, [(int)tokens[i]], wantLast: true);
            }
            return _backbone.RunPacked(_weights, fed, Delta(fed, [.. _rows.Select(r => r.Index)])).MoveToOuterDisposeScope();
        }

        public override unsafe Tensor Logits(Tensor hidden)
        {
            long n = hidden.shape[0];
            if (_logits is null || _logits.shape[0] < n)
            {
                _logits?.Dispose();
                _logits = empty([n, _backbone.Config.VocabularySize]).DetachFromDisposeScope();
            }
            Tensor logits = _logits.narrow(0, 0, n);
            fixed (byte* from = hidden.bytes, to = logits.bytes) _backbone.Packed.Logits(_weights, (float*)from, (int)n, (float*)to);
            return logits;
        }

        public override void Truncate(int row, int kept) => _rows[row].Sequence.Truncate(kept);

        public override void Keep(int[] rows)
        {
            HashSet<int> staying = [.. rows];
            for (int i = 0; i < _rows.Count; i++)
                if (!staying.Contains(i)) _rows[i].Sequence.Dispose();
            (KvSequence, int)[] kept = [.. rows.Select(r => _rows[r])];
            _rows.Clear();
            _rows.AddRange(kept);
        }

        public override void Dispose()
        {
            _logits?.Dispose();
            _weights.Dispose();
            _pages.Dispose();
        }
    }
}
