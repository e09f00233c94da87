using RRec.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Generation;

// Where the weights are on a device of their own: the host hears of tokens in blocks.
internal sealed partial class GenerationRun
{
    private readonly int _ahead;
    private readonly TokenSampler? _onDevice;
    private readonly Tensor? _allowed;   // the options' tokens, sent once

    /// <summary>
    /// Some steps in one go. A row whose reasoning turns out to have ended within them has run on: what it wrote behind its end is dropped here, and its keys with it,
    /// so that it goes on exactly as if the host had looked at every token.
    /// </summary>
    private void RunAhead(TokenSampler sampler)
    {
        int limit = _options.MaxNewTokens, rows = _rows.Count;
        bool live = _rows.Any(r => !r.Stopped), samples = live && limit > 0;
        int steps = live && limit == 0 ? 1 : Math.Min(_ahead, _rows.Max(r => r.StepsLeft(limit)));
        var tokens = new long[steps * rows];
        var positions = new int[steps * rows];
        var noise = new double[steps * rows];
        for (int step = 0; step < steps; step++)
        {
            for (int i = 0; i < rows; i++)
            {
                (tokens[step * rows + i], positions[step * rows + i]) = (_rows[i].Planned(step), _rows[i].Position + step);
                if (samples && _options.Temperature > 0) noise[step * rows + i] = _rows[i].NextNoise(step);
            }
        }
        (int Step, int Row)[] answered = [.. Indexes(r => r.Stopped && r.StepsLeft(limit) <= steps).Select(i => (_rows[i].StepsLeft(limit) - 1, i)).OrderBy(x => x.Item1)];
        StepsTaken taken = _decoding.Ahead(new StepsAhead(steps, tokens, positions, noise, answered, samples ? sampler.Sample : null, _allowed, _options.LogProbabilities));

        for (int i = 0; i < rows; i++)
        {
            bool feeding = _rows[i].Stopped;
            for (int step = 0; step < steps && !_rows[i].FedAll; step++)
            {
                _rows[i].Fed();
                if (feeding || !samples) continue;
                int at = step * rows + i;
                if (Take(i, taken.Ids[at], taken.LogProbs.Length == 0 ? 0 : taken.LogProbs[at])) break;
            }
        }
        if (limit == 0) StopAll();
        for (int k = 0; k < answered.Length; k++) _rows[answered[k].Row].Embedding = taken.Hidden[k];
    }
}
