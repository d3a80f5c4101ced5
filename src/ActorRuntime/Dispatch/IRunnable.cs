#nullable disable
namespace Akka.Dispatch;

/// <summary>Work without arguments.</summary>
public interface IRunnable
{
    void Run();
}
