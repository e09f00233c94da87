namespace RRec.Kernels;

/// <summary>
/// Threads that share the pieces of short jobs: a decoder's step is hundreds of them, microseconds each, far below what a task scheduler is made for. Pieces are
/// claimed one by one, so a thread that the machine has put aside delays nothing but its own piece. Idle threads spin for a moment, then sleep.
/// </summary>
/// <remarks>
/// One team serves the process; a second caller at the same time works alone, as fast as one thread can. What is computed never depends on who computes it.
/// </remarks>
internal sealed class WorkerTeam
{
    // One number holds which job it is, how many pieces it has and which comes next, so that a claim is one atomic addition: a thread that comes late either gets
    // a piece of the job that is running, or none.
    private const int CountShift = 22, JobShift = 44;
    private const long PieceMask = (1L << CountShift) - 1;
    private const int Spins = 2000;

    private static readonly Lock Gate = new();
    private static WorkerTeam? _shared;

    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _busy = new();
    private long _ticket;
    private long _job;
    private Action<int>? _body;
    private int _left, _asleep;
    private Exception? _failure;
    private volatile bool _closed;

    private WorkerTeam(int threads)
    {
        Threads = threads;
        for (int i = 1; i < threads; i++) new Thread(Work) { IsBackground = true, Name = "RRec worker" }.Start();
    }

    /// <summary>Nobody but the caller: for work inside a piece of a team's.</summary>
    public static WorkerTeam Alone { get; } = new(1);

    /// <summary>How many threads work on a job, the caller among them.</summary>
    public int Threads { get; }

    /// <summary>The process's team for this many threads. Who works alone leaves it to the others: while an update has a graph on each thread, each is alone.</summary>
    public static WorkerTeam Of(int threads)
    {
        if (threads <= 1) return Alone;
        lock (Gate)
        {
            if (_shared is { } team && team.Threads == threads) return team;
            _shared?.Close();
            return _shared = new WorkerTeam(threads);
        }
    }

    /// <summary>Runs <paramref name="body"/> for 0 to <paramref name="count"/> - 1, in any order, and returns when all are done.</summary>
    public void For(int count, Action<int> body)
    {
        if (count <= 1 || Threads == 1 || !_busy.TryEnter())
        {
            for (int i = 0; i < count; i++) body(i);
            return;
        }

        try
        {
            _body = body;
            Volatile.Write(ref _left, count);
            Volatile.Write(ref _ticket, (++_job << JobShift) | ((long)count << CountShift));
            Interlocked.MemoryBarrier();
            int asleep = Volatile.Read(ref _asleep);
            if (asleep > 0) _wake.Release(Math.Min(asleep, count - 1));
            Help();
            SpinWait wait = default;
            while (Volatile.Read(ref _left) > 0) wait.SpinOnce(-1);
            if (_failure is { } failure)
            {
                _failure = null;
                throw failure;
            }
        }
        finally
        {
            _busy.Exit();
        }
    }

    // Works until no piece is left.
    private void Help()
    {
        while (true)
        {
            long ticket = Interlocked.Increment(ref _ticket) - 1;
            long piece = ticket & PieceMask;
            if (piece >= ((ticket >> CountShift) & PieceMask)) return;
            try
            {
                _body!((int)piece);
            }
            catch (Exception e)
            {
                _failure = e;
            }
            Interlocked.Decrement(ref _left);
        }
    }

    private void Work()
    {
        while (!_closed)
        {
            if (Wanted())
            {
                Help();
                continue;
            }
            Interlocked.Increment(ref _asleep);
            if (!Open() && !_closed) _wake.Wait();
            Interlocked.Decrement(ref _asleep);
        }
    }

    private bool Wanted()
    {
        for (int i = 0; i < Spins; i++)
        {
            if (Open()) return true;
            Thread.SpinWait(8);
        }
        return false;
    }

    // Whether a piece is left.
    private bool Open()
    {
        long ticket = Volatile.Read(ref _ticket);
        return (ticket & PieceMask) < ((ticket >> CountShift) & PieceMask);
    }

    private void Close()
    {
        _closed = true;
        _wake.Release(Threads);
    }
}
