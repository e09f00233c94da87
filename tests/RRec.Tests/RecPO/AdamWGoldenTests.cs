using RRec.RecPO;
using static TorchSharp.torch;

namespace RRec.Tests.RecPO;

/// <summary>Our AdamW against torch's, on the stored gradients.</summary>
public sealed class AdamWGoldenTests
{
    [GoldenTheory("goldens/recpo/adamw_onpolicy.safetensors")]
    [InlineData("adamw_onpolicy")]
    [InlineData("adamw_onpolicy_clipnorm1")]
    [InlineData("adamw_minibatch_gauss")]
    public void Two_steps_with_the_stored_gradients_equal_torch(string name)
    {
        GoldenTensors golden = new(name);
        using var scope = NewDisposeScope();
        using RRec.Backbones.Backbone backbone = GoldenModel.Load();
        var parameters = backbone.TrainableParameters();
        using AdamW optimizer = new(parameters);
        for (int step = 1; step <= 2; step++)
        {
            foreach ((string key, Tensor p) in parameters) p.grad = tensor(golden.Floats($"step{step}/grad/{key}"), p.shape);
            optimizer.Step(1e-3);
            foreach ((string key, Tensor p) in parameters) Close(golden.Floats($"step{step}/param/{key}"), p, 1e-7);
        }

        Dictionary<string, Tensor> state = optimizer.State().ToDictionary(s => s.Name, s => s.Value);
        foreach ((string key, _) in parameters)
        {
            Close(golden.Floats($"step2/exp_avg/{key}"), state[$"mean/{key}"], 1e-5);
            Close(golden.Floats($"step2/exp_avg_sq/{key}"), state[$"square/{key}"], 1e-5);
        }
    }

    [Fact]
    public void Decay_is_decoupled_and_a_parameter_without_gradient_stays()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new[] { 2f }).requires_grad_(), b = tensor(new[] { 3f }).requires_grad_();
        using AdamW optimizer = new([("a", a), ("b", b)], weightDecay: 0.1);
        a.grad = tensor(new[] { 5f });
        optimizer.Step(0.5);
        // decay first: 2 (1 - .05) = 1.9; then one bias-corrected step of size rate * sign
        Assert.Equal(1.4f, a.item<float>(), 1e-5f);
        Assert.Equal(3f, b.item<float>());
    }

    [Fact]
    public void Clipping_scales_all_gradients_by_their_common_norm()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new[] { 0f, 0f }).requires_grad_(), b = tensor(new[] { 0f }).requires_grad_();
        using AdamW optimizer = new([("a", a), ("b", b)]);
        (a.grad, b.grad) = (tensor(new[] { 3f, 0f }), tensor(new[] { 4f }));
        Assert.Equal(5, optimizer.ClipGradients(10), 1e-6);
        Assert.Equal(3f, a.grad![0].item<float>());
        Assert.Equal(5, optimizer.ClipGradients(1), 1e-6);
        Assert.Equal(0.6f, a.grad![0].item<float>(), 1e-5f);
        Assert.Equal(0.8f, b.grad!.item<float>(), 1e-5f);
        optimizer.ZeroGradients();
        Assert.Equal(0, optimizer.ClipGradients(1));
    }

    private static void Close(float[] expected, Tensor own, double tolerance)
    {
        float[] values = own.detach().reshape(-1).data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - values[i]) <= tolerance, $"[{i}] {values[i]} against {expected[i]}");
    }
}
