using TorchSharp;
using static TorchSharp.torch;

namespace RRec.CatalogueBackbone;

/// <summary>Adam with the usual constants and decoupled decay, in place, for one dense tensor whose gradient is written out by hand.</summary>
internal sealed class DenseAdam(Tensor parameter, double decay = 0)
{
    private readonly Tensor _mean = zeros_like(parameter), _square = zeros_like(parameter);
    private int _steps;

    public void Step(Tensor gradient, double rate)
    {
        _steps++;
        if (decay > 0) parameter.mul_((float)(1 - rate * decay));
        _mean.mul_(0.9f).add_(gradient, 0.1f);
        _square.mul_(0.999f).addcmul_(gradient, gradient, 0.001f);
        double correction = Math.Sqrt(1 - Math.Pow(0.999, _steps)) / (1 - Math.Pow(0.9, _steps));
        parameter.addcdiv_(_mean, _square.sqrt().add_(1e-8f), (float)(-rate * correction));
    }
}
