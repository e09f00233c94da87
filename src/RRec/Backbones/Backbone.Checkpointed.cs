using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

// Gradient checkpointing by layer, without functions of our own in autograd's graph: the forward pass runs without gradients and keeps each layer's input; on the
// way back a layer is computed again from its input, as a leaf, and differentiated by what arrived at its output. One layer's activations live at a time, for one
// more forward pass. Keys and values of prompts are leaves too: what the completions' layers send to them enters the prompts' layers afterwards.
public sealed partial class Backbone
{
    /// <summary>As <see cref="HiddenShared"/>, with the layers' activations computed again on the way back instead of kept.</summary>
    internal CheckpointedPass HiddenSharedCheckpointed(PaddedBatch prompts, PaddedBatch completions, IReadOnlyList<int> promptOfCompletion, EmbeddingDelta? delta = null) =>
        new(this, prompts, completions, promptOfCompletion, delta);

    /// <summary>One forward pass that waits for its backward pass.</summary>
    internal sealed class CheckpointedPass : IDisposable
    {
        private readonly Backbone _backbone;
        private readonly PaddedBatch _prompts;
        private readonly EmbeddingDelta? _delta;
        private readonly SharedRows _rows;
        private readonly KvPrefix _prefix;
        private readonly List<Tensor> _promptInputs = [], _inputs = [];   // of every layer; the last of _inputs is the last layer's output

        public CheckpointedPass(Backbone backbone, PaddedBatch prompts, PaddedBatch completions, IReadOnlyList<int> promptOfCompletion, EmbeddingDelta? delta)
        {
            (_backbone, _prompts, _delta) = (backbone, prompts, delta);
            using IDisposable noGrad = no_grad();
            using DisposeScope scope = NewDisposeScope();
            _rows = backbone.Arrange(prompts, completions, promptOfCompletion);
            int[] lengths = PrefixLengths(prompts);
            _prefix = new KvPrefix(backbone.Config.Layers, lengths);
            if (lengths.Max() > 0) backbone._decoder.KeysOnly(PromptInput(), backbone.Causal(lengths.Max(), _prefix), _promptInputs);
            Tensor hidden = backbone._decoder.Run(Input(), _rows.Attention(backbone, _prefix), _inputs);
            Hidden = (_rows.Place is null ? hidden : hidden.index_select(0, _rows.Place)).requires_grad_();
            foreach (Tensor t in Kept()) t.DetachFromDisposeScope();
        }

        /// <summary>What <see cref="HiddenShared"/> returns, as a leaf: differentiate a loss of it, then call <see cref="Backward"/>.</summary>
        public Tensor Hidden { get; }

        /// <summary>Sends what arrived at <see cref="Hidden"/> through the layers into the parameters' gradients. At most once.</summary>
        public void Backward()
        {
            if (Hidden.grad is not { } arrived) return;
            using IDisposable withGrad = enable_grad();
            bool embeddings = _backbone._fullFineTuning || _delta is not null;   // whether anything below the first layer is trained
            _prefix.RequireGradients();
            Tensor? gradient = Through(_inputs[^1], true, x =>
            {
                Tensor hidden = _backbone._decoder.Normalise(x);
                return ([_rows.Place is null ? hidden : hidden.index_select(0, _rows.Place)], [arrived]);
            });
            int last = _backbone.Config.Layers - 1;
            PrefixAttention attention = _rows.Attention(_backbone, _prefix);
            for (int i = last; i >= 0; i--)
            {
                Tensor above = gradient!;
                gradient = Through(_inputs[i], i > 0 || embeddings, x => ([_backbone._decoder.Layer(i, x, attention, true)!], [above]));
                above.Dispose();
                _inputs[i + 1].Dispose();
            }
            Finish(gradient, Input);
            if (_promptInputs.Count == 0) return;

            gradient = null;
            using KvPrefix again = new(_backbone.Config.Layers, _prefix.Lengths);
            CausalAttention causal = _backbone.Causal(_prefix.Width, again);
            for (int i = last; i >= 0; i--)
            {
                Tensor? above = gradient;
                gradient = Through(_promptInputs[i], i > 0 || embeddings, x =>
                {
                    Tensor? y = _backbone._decoder.Layer(i, x, causal, i < last);   // nobody reads what the last layer makes of a prompt
                    ((Tensor k, Tensor v), (Tensor keptK, Tensor keptV)) = (again[i], _prefix[i]);
                    return y is null ? ([k, v], [keptK.grad!, keptV.grad!]) : ([k, v, y], [keptK.grad!, keptV.grad!, above!]);
                });
                above?.Dispose();
                again.Release(i);
                _prefix.Release(i);
            }
            Finish(gradient, PromptInput);
        }

        // Computes outputs from a leaf, differentiates them by the given gradients and returns what arrives at the leaf; null where it is not wanted.
        private static Tensor? Through(Tensor input, bool wanted, Func<Tensor, (Tensor[] Outputs, Tensor[] Gradients)> compute)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor leaf = input.detach();
            if (wanted) leaf.requires_grad_();
            (Tensor[] outputs, Tensor[] gradients) = compute(leaf);
            int[] live = [.. Enumerable.Range(0, outputs.Length).Where(i => outputs[i].requires_grad)];   // the first layer's keys do not where they are not adapted
            if (live.Length > 0) autograd.backward([.. live.Select(i => outputs[i])], (Tensor[])[.. live.Select(i => gradients[i])]);
            return wanted ? leaf.grad!.MoveToOuterDisposeScope() : null;
        }

        private static void Finish(Tensor? gradient, Func<Tensor> input)
        {
            if (gradient is null) return;
            using DisposeScope scope = NewDisposeScope();
            Tensor x = input();
            if (x.requires_grad) x.backward([gradient]);
            gradient.Dispose();
        }

        private Tensor Input() => _backbone.Input(_rows.Ids, _delta?.Invoke(_rows.Ids, _rows.PromptOfRow));

        private Tensor PromptInput()
        {
            Tensor ids = _prompts.Ids.narrow(1, 0, PrefixLengths(_prompts).Max());
            return _backbone.Input(ids, _delta?.Invoke(ids, [.. Enumerable.Range(0, _prompts.Rows)]));
        }

        public void Dispose()
        {
            _prefix.Dispose();
            foreach (Tensor t in Kept()) t.Dispose();
        }

        private IEnumerable<Tensor> Kept() => [Hidden, _rows.Ids, _rows.Positions, .. _rows.Place is null ? Array.Empty<Tensor>() : [_rows.Place], .. _promptInputs, .. _inputs];
    }
}
