using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

public sealed partial class Backbone
{
    /// <summary>
    /// Decoding by the library's operators, on any device. Rows stand in a rectangle [prompts, G], so that a prompt's keys are held once; a row that has left idles in
    /// its place until a quarter of the rectangle does, or others enter.
    /// </summary>
    private sealed partial class TensorDecoding(Backbone backbone, EmbeddingDelta? delta) : Decoding
    {
        private readonly IDisposable? _adapter = backbone.Adapter?.Prepare(backbone.Type);
        private KvPrefix? _prefix;
        private KvCache? _cache;
        private int[] _indexes = [];     // of each prompt
        private int[] _place = [];       // of each row, its place in the rectangle
        private int[] _firstColumn = []; // of each row, the cache's column of its first token
        private int _each;
        private Tensor? _places;         // _place on the device, where the rectangle has gaps

        public override int Rows => _place.Length;

        public override void Enter(IReadOnlyList<int[]> prompts, IReadOnlyList<int> indexes, int each)
        {
            using PaddedBatch batch = PaddedBatch.FromRows(prompts, backbone.Config.PadId ?? 0, backbone.Device);
            KvPrefix entering = backbone.PromptKeys(batch, delta is null ? null : (ids, rows) => delta(ids, [.. rows.Select(r => indexes[r])]));
            if (Rows == 0) Drop();
            Moved();
            int old = 0, wide = each;
            if (_prefix is null || _cache is null)
            {
                _prefix = entering;
                _cache = new KvCache(backbone.Config, prompts.Count * each, backbone.Type, backbone.Device);
            }
            else
            {
                wide = Math.Max(each, Arrange(Math.Max(each, 1)));
                old = _prefix.Prompts * wide;
                _prefix.Append(entering);
                _cache.Append(prompts.Count * wide);
            }
            _each = wide;
            _indexes = [.. _indexes, .. indexes];
            int[] places = [.. Enumerable.Range(0, prompts.Count * each).Select(i => old + i / each * wide + i % each)];
            _place = [.. _place, .. places];
            _firstColumn = [.. _firstColumn, .. Enumerable.Repeat(_cache.Columns, places.Length)];
        }

        public override Tensor Step(ReadOnlySpan<long> tokens, ReadOnlySpan<int> positions)
        {
            using DisposeScope scope = NewDisposeScope();
            int places = _prefix!.Prompts * _each;
            var fed = new long[places];
            var at = new int[places];
            int max = 0;
            for (int i = 0; i < tokens.Length; i++)
            {
                (fed[_place[i]], at[_place[i]]) = (tokens[i], positions[i]);
                max = Math.Max(max, positions[i]);
            }
            _cache!.Plan(at);
            Tensor ids = HostTensors.Long(fed, backbone.Device, places), where = HostTensors.Long(at, backbone.Device);
            return Feed(ids, where, max, PromptOfPlace()).MoveToOuterDisposeScope();
        }

        // One token per place, [places], into the cache's next column; the rows' hidden states [rows, hidden].
        private Tensor Feed(Tensor ids, Tensor positions, int maxPosition, int[] promptOfPlace)
        {
            _cache!.Begin();
            ids = ids.unsqueeze(1);
            var attention = new PrefixAttention(backbone.Config, backbone._ropes, _prefix!, positions.unsqueeze(1), maxPosition, backbone.Type, backbone.FusedAttention, _cache);
            Tensor hidden = backbone._decoder.Run(backbone.Input(ids, delta?.Invoke(ids, promptOfPlace)), attention).view(promptOfPlace.Length, -1);
            return Rows < promptOfPlace.Length ? hidden.index_select(0, Places()) : hidden;
        }

        private Tensor Places() => _places ??= HostTensors.Long(_place, backbone.Device).DetachFromDisposeScope();

        private int[] PromptOfPlace() => [.. Enumerable.Range(0, _prefix!.Prompts * _each).Select(i => _indexes[i / _each])];

        private void Moved()
        {
            _places?.Dispose();
            _places = null;
        }

        public override Tensor Logits(Tensor hidden) => backbone.Logits(hidden);

        public override void Truncate(int row, int kept)
        {
            for (int column = _firstColumn[row] + kept; column < _cache!.Columns; column++) _cache.Discard(_place[row], column);
        }

        public override void Keep(int[] rows)
        {
            Moved();
            (_place, _firstColumn) = ([.. rows.Select(r => _place[r])], [.. rows.Select(r => _firstColumn[r])]);
            if (Rows == 0) Drop();
            else if (Rows * 4 <= _prefix!.Prompts * _each * 3) _each = Arrange(0);
        }

        // Drops prompts without rows, and makes the rectangle as wide as the prompt with most rows needs (or wider, where asked to). Returns that width.
        private int Arrange(int least)
        {
            var rows = new List<int>[_prefix!.Prompts];
            for (int i = 0; i < Rows; i++) (rows[_place[i] / _each] ??= []).Add(i);
            int[] prompts = [.. Enumerable.Range(0, rows.Length).Where(p => rows[p] is not null)];
            int wide = Math.Max(least, prompts.Max(p => rows[p].Count));
            if (prompts.Length * wide == rows.Length * _each) return wide;
            // Places without a row repeat the prompt's first one.
            int[] from = [.. prompts.SelectMany(p => Enumerable.Range(0, wide).Select(g => _place[rows[p][g < rows[p].Count ? g : 0]]))];
            for (int p = 0; p < prompts.Length; p++)
                for (int g = 0; g < rows[prompts[p]].Count; g++) _place[rows[prompts[p]][g]] = p * wide + g;
            _indexes = [.. prompts.Select(p => _indexes[p])];
            _prefix.Select(prompts);
            int dropped = _cache!.Select(from);
            for (int i = 0; i < _firstColumn.Length; i++) _firstColumn[i] -= dropped;
            return wide;
        }

        private void Drop()
        {
            _prefix?.Dispose();
            _cache?.Dispose();
            (_prefix, _cache, _indexes, _each) = (null, null, [], 0);
        }

        public override void Dispose()
        {
            Drop();
            Moved();
            _adapter?.Dispose();
        }
    }
}
