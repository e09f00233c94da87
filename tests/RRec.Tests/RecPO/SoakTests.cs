using System.Diagnostics;

namespace RRec.Tests.RecPO;

public sealed class SoakTests
{
    [Theory]
    [InlineData(new long[] { 100, 100, 100 }, 0)]
    [InlineData(new long[] { 100, 93, 95 }, 0.02)]      // given back, then a little taken
    [InlineData(new long[] { 100, 104, 109 }, 0.09)]
    [InlineData(new long[] { 0, 0, 0 }, 0)]             // an allocator that does not tell
    public void Growth_is_what_lies_above_an_earlier_window(long[] windows, double expected)
    {
        MemorySample[] samples = [.. windows.SelectMany(native => Enumerable.Repeat(native, 10)).Select((native, at) => new MemorySample { Step = at, Native = native })];
        Assert.Equal(expected, SoakTraining.Growth(samples, 0, s => s.Native), 9);
    }

    /// <summary>The short form of <c>./rrec bench soak</c>: fewer steps, and room for what the first ones still allocate.</summary>
    [Fact]
    public void Memory_does_not_grow_with_the_steps()
    {
        IReadOnlyList<MemorySample> samples = SoakTraining.RunApart(arguments => new ProcessStartInfo("dotnet", [typeof(SoakTests).Assembly.Location, .. arguments]), 60, 2);
        Assert.Equal(30, samples.Count);
        Assert.Single(samples.Where(s => s.Step >= 20).Select(s => s.Tensors).Distinct());
        Assert.InRange(SoakTraining.Growth(samples, 20, s => s.Native), 0, 0.05);
        Assert.InRange(SoakTraining.Growth(samples, 20, s => s.Managed), 0, 0.1); // of less than 2 MB
    }
}
