using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Compat.Tests.Core;

public class LogTests
{
    private readonly MLContext ml = new(1);
    private readonly List<LoggingEventArgs> log = [];

    public LogTests() => ml.Log += (_, message) => log.Add(message);

    private IHostEnvironment Environment => ml;

    [GoldenFact(MlNetGolden.File)]
    public void A_channel_logs_what_was_recorded()
    {
        using (IChannel channel = Environment.Register("R2ec").Start("Training"))
        {
            channel.Trace(MessageSensitivity.None, "step {0}", 1);
            channel.Info(MessageSensitivity.None, "info {0}", 2);
            channel.Warning(MessageSensitivity.None, "careful");
            channel.Error(MessageSensitivity.None, "bad");
        }
        Assert.Equal(
            MlNetGolden.Case("log", "channel").EnumerateArray().Select(entry => Line(
                entry.GetProperty("Kind").GetString()!, entry.GetProperty("Source").GetString()!, entry.GetProperty("Message").GetString()!, entry.GetProperty("RawMessage").GetString()!)),
            log.Select(entry => Line(entry.Kind.ToString(), entry.Source, entry.Message, entry.RawMessage)));
    }

    [GoldenFact(MlNetGolden.File)]
    public void A_host_describes_itself_as_recorded()
        => Assert.Equal(MlNetGolden.Case("log", "host name").GetString(), Environment.Register("R2ec").ContextDescription);

    [GoldenFact(MlNetGolden.File)]
    public void Progress_is_not_logged()
    {
        using (IProgressChannel progress = Environment.Register("R2ec").StartProgressChannel("Training"))
        {
            progress.SetHeader(new ProgressHeader(["reward"], ["steps"]), entry => entry.SetProgress(0, 1, 10));
            progress.Checkpoint(0.5, 1);
        }
        Assert.Equal(0, MlNetGolden.Case("log", "progress channel with a checkpoint").GetArrayLength());
        Assert.Empty(log);
    }

    [Fact]
    public void A_checkpoint_holds_no_more_than_its_header_names_and_none_comes_after_the_end()
    {
        IProgressChannel progress = Environment.Register("R2ec").StartProgressChannel("Training");
        progress.SetHeader(new ProgressHeader(["reward"], ["steps"]), null!);
        progress.Checkpoint(0.5, 1, 10);
        Assert.Throws<InvalidOperationException>(() => progress.Checkpoint(0.5, 1, 10, 11));
        progress.Dispose();
        Assert.Throws<InvalidOperationException>(() => progress.Checkpoint(0.5));
    }

    [Fact]
    public void Sources_are_named_after_host_and_channel()
    {
        IHost host = Environment.Register("Outer");
        host.Start("A").Dispose();
        host.Register("Inner").Start("B").Dispose();
        Environment.Start("C").Dispose();
        Assert.Equal(["Outer; A", "Inner; B", "C"], log.Select(entry => entry.Source).Distinct());
    }

    [Fact]
    public void A_channel_closes_once()
    {
        IChannel channel = Environment.Start("Once");
        channel.Dispose();
        channel.Dispose();
        Assert.Equal(3, log.Count);
    }

    [Fact]
    public void Names_must_be_given()
    {
        Assert.Equal("name", Assert.Throws<ArgumentOutOfRangeException>(() => Environment.Register("")).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentOutOfRangeException>(() => Environment.StartProgressChannel("")).ParamName);
    }

    private static string Line(string kind, string source, string message, string raw)
        => Regex.Replace($"{kind} | {source} | {message} | {raw}", @"\d\d:\d\d:\d\d(\.\d+)?", "TIME");
}
