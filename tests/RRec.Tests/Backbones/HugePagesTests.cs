using RRec.Kernels;

namespace RRec.Tests.Backbones;

public unsafe class HugePagesTests
{
    [Theory, InlineData(100), InlineData(2 << 18), InlineData((5 << 18) + 12_345), InlineData(20 << 18)]
    public void Numbers_and_their_neighbours_stay_what_they_are(int count)
    {
        using NativeBuffer before = new(), own = new(), after = new();
        float*[] parts = [before.Of(count), own.Of(count), after.Of(count)];
        for (int part = 0; part < 3; part++)
            for (int i = 0; i < count; i++) parts[part][i] = part + i;
        HugePages.Use((nint)own.Of(count), (long)count * sizeof(float));
        HugePages.Use((nint)own.Of(count), (long)count * sizeof(float));
        int changed = 0;
        for (int part = 0; part < 3; part++)
            for (int i = 0; i < count; i++) changed += parts[part][i] == part + i ? 0 : 1;
        Assert.Equal(0, changed);
    }
}
