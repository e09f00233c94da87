using System.CommandLine;
using RRec.Backbones;
using RRec.Generation;
using RRec.RecPO;
using TorchSharp;
using static TorchSharp.torch;

namespace RRec.Benchmarks;

/// <summary>
/// One step of RecPO in the case that TRL's GRPOTrainer was measured in: 2 prompts x G = 4, 446 prompt tokens, 24 new tokens, LoRA, f32, two threads: 42 s at
/// 187 GFLOP/s of [2048,576]x[576,1536]. Then shared against unshared prompts, and how cost grows.
/// </summary>
internal static class StepBench
{
    private const double TrlSeconds = 42, TrlRollout = 13, TrlUpdate = 29, TrlGflops = 187;

    public static Command Command()
    {
        var command = new Command("step", "One RecPO step on SmolLM2-135M's shape against TRL's figures, shared against unshared prompts, and how cost grows.");
        var only = new Option<string?>("--only") { Description = "trl, shared, growth, items or memory." };
        var device = new Option<string>("--device") { Description = "cpu or cuda.", DefaultValueFactory = _ => "cpu" };
        var shape = new Option<string>("--shape") { Description = BenchShapes.Names + ".", DefaultValueFactory = _ => "smollm2" };
        var threads = new Option<int>("--threads") { Description = "CPU threads; 0: all." };
        var busy = new Option<bool>("--processor-time") { Description = "Processor seconds instead of the clock's: for a machine that is busy otherwise; with --threads 1." };
        command.Options.Add(only);
        command.Options.Add(threads);
        command.Options.Add(busy);
        var dtype = new Option<string>("--dtype") { Description = "f32 or bf16: the type of the frozen weights and the activations.", DefaultValueFactory = _ => "f32" };
        var groups = new Option<int[]>("--groups") { Description = "G of shared against unshared prompts.", DefaultValueFactory = _ => [4, 8], AllowMultipleArgumentsPerToken = true };
        command.Options.Add(groups);
        command.Options.Add(dtype);
        command.Options.Add(device);
        command.Options.Add(shape);
        command.SetAction(r =>
        {
            string name = r.GetValue(shape)!;
            if (r.GetValue(threads) > 0) set_num_threads(r.GetValue(threads));
            BenchLine.ProcessorTime = r.GetValue(busy);
            if (r.GetValue(only) is "memory") { StepMemoryBench.Run(); return; }
            using Backbone backbone = BenchShapes.Random(BenchShapes.Config(name), torch.device(r.GetValue(device)!), BenchShapes.Type(r.GetValue(dtype)!));
            if (backbone.Type != ScalarType.Float32) name += " " + r.GetValue(dtype);
            double peak = GemmBench.Gflops(2048, backbone.Config.HiddenSize, backbone.Config.IntermediateSize);
            new BenchLine("gemm", $"[2048,{backbone.Config.HiddenSize}]x[{backbone.Config.HiddenSize},{backbone.Config.IntermediateSize}]", peak, "GFLOP/s").Write();
            if (r.GetValue(only) is null or "trl") Trl(backbone, name, peak);
            if (r.GetValue(only) is null or "shared") foreach (int g in r.GetValue(groups)!) Shared(backbone, name, g, peak);
            if (r.GetValue(only) is null or "growth") Growth(backbone, name);
            if (r.GetValue(only) is null or "growth" or "items") OverItems(backbone, name);
            if (r.GetValue(only) is null) StepMemoryBench.Run();
        });
        return command;
    }

    private static void Trl(Backbone backbone, string name, double peak)
    {
        using StepScene scene = new(backbone, 2, 4, 446, 24, 1000, 64, new RecPOOptions());
        double scale = TrlGflops / peak;
        IReadOnlyList<Trajectory> trajectories = [];
        UpdateBatch batch = scene.Batch();
        double rollout = BenchLine.Seconds(() => trajectories = scene.Generate());
        double prefill = BenchLine.Seconds(() =>
        {
            using IDisposable noGrad = no_grad();
            using Decoding decoding = backbone.BeginDecoding(null);
            decoding.Enter(scene.Prompts, [.. Enumerable.Range(0, scene.Prompts.Length)], scene.Group);
            Wait(backbone);
        });
        double reward = BenchLine.Seconds(() => batch = scene.Reward(trajectories));
        double update = BenchLine.Seconds(() => { scene.Update(batch = scene.Reward(trajectories)); Wait(backbone); }) - reward;
        double forwardBackward = BenchLine.Seconds(() => { scene.ForwardBackward(batch); Wait(backbone); });
        double optimiser = BenchLine.Seconds(() => { Fill(scene); scene.Optimizer.ClipGradients(1); scene.Optimizer.Step(1e-6); Wait(backbone); });
        scene.Optimizer.ZeroGradients();

        string shape = $"{name} B=2 G=4 P=446 C=24";
        UpdateFlops flops = new(backbone.Config);
        double tokens = scene.Completion + 3;
        double updateFlops = flops.Shared(2, 4, 446, tokens) + 4 / 2.0 * flops.Forward(2 * 64, 2 * 64 * 32);
        new BenchLine("step", shape, rollout + reward + update, "s", Baseline: TrlSeconds * scale).Write();
        new BenchLine("step-rollout", shape, rollout, "s", Baseline: TrlRollout * scale).Write();
        new BenchLine("step-rollout-prefill", shape, prefill, "s", Bound: flops.Forward(2 * 446, 446 * 446) * 1e-9 / peak).Write();
        new BenchLine("step-rollout-decode", shape, rollout - prefill, "s").Write();
        new BenchLine("step-reward", shape, reward, "s").Write();
        new BenchLine("step-update", shape, update, "s", Baseline: TrlUpdate * scale, Bound: updateFlops * 1e-9 / peak).Write();
        new BenchLine("step-update-policy", shape, forwardBackward, "s", Bound: flops.Shared(2, 4, 446, tokens) * 1e-9 / peak).Write();
        new BenchLine("step-update-items", shape, update - forwardBackward - optimiser, "s").Write();
        new BenchLine("step-update-optimiser", shape, optimiser, "s").Write();
    }

    // Forward and backward of the update of 2 users.
    private static void Shared(Backbone backbone, string name, int group, double peak)
    {
        const int users = 1, prompt = 400, completion = 100;
        using StepScene scene = new(backbone, users, group, prompt, completion, 16, 64, new RecPOOptions());
        UpdateBatch batch = scene.Batch();
        double shared = BenchLine.Seconds(() => { scene.ForwardBackward(batch); Wait(backbone); });
        double unshared = BenchLine.Seconds(() => { scene.ForwardBackwardUnshared(batch); Wait(backbone); }, 2);
        UpdateFlops flops = new(backbone.Config);
        double counted = flops.Unshared(users, group, prompt, completion) / flops.Shared(users, group, prompt, completion);
        string shape = $"{name} B={users} G={group} P={prompt} C={completion}";
        new BenchLine("update-shared", shape, shared, "s", Baseline: unshared, Bound: flops.Shared(users, group, prompt, completion) * 1e-9 / peak).Write();
        new BenchLine("update-unshared", shape, unshared, "s", Bound: flops.Unshared(users, group, prompt, completion) * 1e-9 / peak).Write();
        new BenchLine("update-shared-gain", shape, unshared / shared, "times", Bound: counted).Write();
    }

    // Seconds of the update over one length at a time: straight where the ratio to the count of operations stays.
    private static void Growth(Backbone backbone, string name)
    {
        UpdateFlops flops = new(backbone.Config);
        void One(string over, int users, int group, int prompt, int completion)
        {
            using StepScene scene = new(backbone, users, group, prompt, completion, 16, 64, new RecPOOptions());
            UpdateBatch batch = scene.Batch();
            double seconds = BenchLine.Seconds(() => { scene.ForwardBackward(batch); Wait(backbone); }, 2);
            new BenchLine("update-over-" + over, $"{name} B={users} G={group} P={prompt} C={completion}", 1e-9 * flops.Shared(users, group, prompt, completion) / seconds, "GFLOP/s").Write();
        }
        foreach (int users in new[] { 1, 2, 4 }) One("users", users, 4, 100, 25);
        foreach (int group in new[] { 2, 4, 8 }) One("group", 2, group, 100, 25);
        foreach (int prompt in new[] { 100, 200, 400, 800 }) One("prompt", 1, 4, prompt, 25);
        foreach (int completion in new[] { 25, 50, 100, 200 }) One("completion", 1, 4, 100, completion);
    }

    // What of a step grows with the catalogue: the rewards, every trajectory against every item.
    private static void OverItems(Backbone backbone, string name)
    {
        const int users = 4, group = 8;
        foreach (int items in new[] { 1_000, 10_000, 100_000 })
        {
            using StepScene scene = new(backbone, users, group, 16, 4, items, 16, new RecPOOptions());
            IReadOnlyList<Trajectory> trajectories = scene.Written();
            double seconds = BenchLine.Seconds(() => scene.Reward(trajectories));
            new BenchLine("reward-over-items", $"{name} B={users} G={group} items={items}", 1e-6 * users * group * items / seconds, "million scores/s").Write();
        }
    }

    // Something for the optimiser to do: gradients as large as a real step's.
    private static void Fill(StepScene scene)
    {
        foreach ((string _, Tensor p) in scene.Backbone.TrainableParameters()) p.grad = ones_like(p);
    }

    private static void Wait(Backbone backbone)
    {
        if (backbone.Device.type == DeviceType.CUDA) cuda.synchronize();
    }
}
