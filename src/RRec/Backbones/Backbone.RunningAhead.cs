using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Backbones;

public sealed partial class Backbone
{
    /// <summary>
    /// Several steps between two words of the host. Everything that the host knows beforehand goes up in one tensor, everything that it wants comes down in one; in
    /// between a step's tokens are sampled, embedded and fed where they are. Both tensors are of double precision, which holds token ids, positions, noise and states alike.
    /// </summary>
    private sealed partial class TensorDecoding
    {
        public override bool RunsAhead => true;

        public override StepsTaken Ahead(StepsAhead plan)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] prompts = PromptOfPlace();
            (int steps, int rows, int places) = (plan.Steps, Rows, prompts.Length);
            (double[] sent, int[] at) = Packed(plan, places);
            _cache!.Plan(at);
            Tensor all = HostTensors.Double(sent, backbone.Device, sent.Length);
            Tensor known = Part(all, 0, steps, places).to(ScalarType.Int64), positions = Part(all, (long)steps * places, steps, places).to(ScalarType.Int64);   // [steps, places]
            Tensor noise = Part(all, 2L * steps * places, steps, rows), wanted = all.narrow(0, 2L * steps * places + (long)steps * rows, plan.Wanted.Count).to(ScalarType.Int64);

            List<Tensor> chosen = [], logProbs = [], states = [];
            Tensor? sampled = null;   // [rows]
            for (int step = 0; step < steps; step++)
            {
                using DisposeScope inner = NewDisposeScope();
                Tensor ids = known[step];
                if (sampled is not null) ids = torch.where(ids.lt(0), Placed(sampled, places), ids);
                Tensor hidden = Feed(ids, positions[step], at.AsSpan(step * places, places).ToArray().Max(), prompts);
                if (plan.Wanted.Any(w => w.Step == step)) states.Add(hidden.MoveToOuterDisposeScope());
                if (plan.Sample is null) continue;
                Tensor logits = plan.Allowed is null ? backbone._decoder.Logits(hidden) : backbone._decoder.Logits(hidden, plan.Allowed);
                Tensor column = plan.Sample(logits, noise[step]);
                sampled = (plan.Allowed is null ? column : plan.Allowed.index_select(0, column)).MoveToOuterDisposeScope();
                chosen.Add(sampled);
                if (plan.LogProbabilities) logProbs.Add((logits.gather(1, column.unsqueeze(1)).squeeze(1) - logits.logsumexp(-1)).MoveToOuterDisposeScope());
            }
            return Read(plan, chosen, logProbs, states.Count == 0 ? null : cat(states, 0).index_select(0, wanted));
        }

        // Token ids and positions of all places, the rows' noise, and where among the states of the steps that have any the wanted ones are.
        private (double[] Sent, int[] At) Packed(StepsAhead plan, int places)
        {
            int steps = plan.Steps, rows = Rows, noise = 2 * steps * places, wanted = noise + steps * rows;
            var sent = new double[wanted + plan.Wanted.Count];
            var at = new int[steps * places];   // a place without a row stays at position 0
            for (int step = 0; step < steps; step++)
            {
                for (int row = 0; row < rows; row++)
                {
                    int from = step * rows + row, to = step * places + _place[row];
                    sent[to] = plan.Tokens[from];
                    sent[steps * places + to] = at[to] = plan.Positions[from];
                    if (plan.Sample is not null) sent[noise + from] = plan.Noise[from];
                }
            }
            int[] kept = [.. plan.Wanted.Select(w => w.Step).Distinct()];
            for (int i = 0; i < plan.Wanted.Count; i++) sent[wanted + i] = (double)Array.IndexOf(kept, plan.Wanted[i].Step) * rows + plan.Wanted[i].Row;
            return (sent, at);
        }

        private static Tensor Part(Tensor all, long from, int steps, int wide) => all.narrow(0, from, (long)steps * wide).view(steps, wide);

        // From rows to the places where they stand.
        private Tensor Placed(Tensor ofRows, int places) =>
            Rows == places ? ofRows : zeros([places], dtype: ofRows.dtype, device: ofRows.device).index_copy_(0, Places(), ofRows);

        private static StepsTaken Read(StepsAhead plan, List<Tensor> chosen, List<Tensor> logProbs, Tensor? states)
        {
            List<Tensor> parts = [.. chosen.Concat(logProbs)];
            if (states is not null) parts.Add(states.reshape(-1));
            if (parts.Count == 0) return new StepsTaken([], [], []);
            double[] read = HostTensors.Read<double>(cat([.. parts.Select(p => p.to(ScalarType.Float64))], 0));
            int ids = chosen.Count == 0 ? 0 : chosen.Count * (int)chosen[0].shape[0], width = states is null ? 0 : (int)states.shape[1];
            int first = logProbs.Count == 0 ? ids : 2 * ids;
            return new StepsTaken([.. read.Take(ids).Select(x => (int)x)], logProbs.Count == 0 ? [] : read[ids..first],
                [.. plan.Wanted.Select((_, i) => Array.ConvertAll(read[(first + i * width)..(first + (i + 1) * width)], x => (float)x))]);
        }
    }
}
