using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests.Torch;

public class DisposeScopeTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor outside = zeros(1);
        Tensor inside, kept, detached;
        DisposeScope outer = NewDisposeScope();
        using (DisposeScope inner = NewDisposeScope())
        {
            Assert.Same(inner, CurrentDisposeScope);
            inside = zeros(1);
            kept = zeros(1).MoveToOuterDisposeScope();
            detached = zeros(1).DetachFromDisposeScope();
            Assert.Equal(1, inner.DisposablesCount);
            Assert.True(inner.Contains(inside));
            Assert.True(outer.Contains(kept));
        }
        Assert.Same(outer, CurrentDisposeScope);
        Assert.True(inside.IsInvalid);
        Assert.False(kept.IsInvalid);
        outer.Dispose();
        Assert.True(kept.IsInvalid);
        Assert.False(detached.IsInvalid);
        Assert.False(outside.IsInvalid);
        detached.Dispose();
        outside.Dispose();
        Assert.Throws<ObjectDisposedException>(() => outer.DisposablesCount);
    }

    [Fact]
    public void Everything_but_what_is_named_goes()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = zeros(1), b = zeros(1), c = zeros(1);

        scope.DisposeEverythingBut(b);
        Assert.Equal([true, false, true], new[] { a.IsInvalid, b.IsInvalid, c.IsInvalid });
        Assert.Equal([b], scope.DisposablesView);
        b.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
        using Tensor free = zeros(1).DetachFromDisposeScope();
        scope.Attach(free);
        scope.Attach(free);
        Assert.Equal(1, scope.DisposablesCount);
        Tensor moved = WrappedTensorDisposeScope(() => zeros(1) + ones(1));
        Assert.Equal([free, moved], scope.DisposablesView);
    }

    [Fact]
    public void Many_single_disposals_keep_the_scope_consistent()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] all = [.. Enumerable.Range(0, 500).Select(i => tensor((long)i))];
        for (int i = 0; i < all.Length; i++)
            if (i % 7 != 0) all[i].Dispose();

        Assert.Equal(72, scope.DisposablesCount);
        Assert.Equal(all.Where((_, i) => i % 7 == 0), scope.DisposablesView);
        foreach (Tensor tensor in all.Where((_, i) => i % 14 == 0)) tensor.MoveToOuterDisposeScope();
        Assert.Equal(36, scope.DisposablesCount);
        foreach (Tensor tensor in all) tensor.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void Scopes_belong_to_their_thread()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? other = null;
        var thread = new Thread(() => other = zeros(1));
        thread.Start();
        thread.Join();
        Assert.Equal(0, scope.DisposablesCount);
        other!.Dispose();
    }

    [Fact]
    public void Counters_count()
    {
        var thread = new Thread(() =>
        {
            ThreadDisposeScopeStatistics counters = DisposeScopeManager.Statistics;
            Tensor outside = zeros(1);
            using (NewDisposeScope())
            {
                zeros(1);
                zeros(1).DetachFromDisposeScope().Dispose();
            }
            Assert.Equal((1, 2, 1, 1, 1), (counters.CreatedOutsideScopeCount, counters.CreatedInScopeCount, counters.DisposedInScopeCount, counters.DisposedOutsideScopeCount,
                counters.DetachedFromScopeCount));
            Assert.Equal(1, counters.ThreadTotalLiveCount);
            outside.Dispose();
            Assert.Equal(0, counters.ThreadTotalLiveCount);
        });
        thread.Start();
        thread.Join();
    }

    [Fact]
    public void Native_memory_stays_flat_over_ten_thousand_operations()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor weight = randn(64, 64, requires_grad: true), input = randn(64, 64);
        long tensors = 0, memory = 0;
        for (int step = 0; step < 1000; step++)
        {
            using (NewDisposeScope())
            {
                // ten operations a step, with gradients
                Tensor loss = (input.matmul(weight).tanh() * 2 + 1).softmax(-1).log().sum();
                loss.backward();
                weight.grad!.zero_();
                var (top, _) = loss.view(1).topk(1);
                top.split(1);
            }
            if (step == 200) (tensors, memory) = (Tensor.TotalCount, ResidentBytes());
        }
        Assert.True(Math.Abs(Tensor.TotalCount - tensors) < 100, $"{tensors} tensors became {Tensor.TotalCount}");   // other tests run beside
        Assert.InRange(ResidentBytes() - memory, long.MinValue, 64L << 20);
    }

    [Fact]
    public void Forgotten_tensors_are_released_by_the_finalizer()
    {
        long before = Tensor.TotalCount;
        Forget();
        for (int i = 0; i < 10 && Tensor.TotalCount > before + 200; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.InRange(Tensor.TotalCount, 0, before + 200);

        static void Forget()
        {
            for (int i = 0; i < 1000; i++) zeros(10);
        }
    }

    private static long ResidentBytes() => System.Diagnostics.Process.GetCurrentProcess().WorkingSet64;
}
