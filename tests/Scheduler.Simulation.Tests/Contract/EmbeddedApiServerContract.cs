using Scheduler.Simulation.Tests.Contract;
using Scheduler.TestKit;
using Xunit;

[assembly: AssemblyFixture(typeof(EmbeddedServerFixture))]

namespace Scheduler.Simulation.Tests.Contract;

// The same facts hold on a real kube-apiserver (RealApiServerContract); where the two differ, this server is wrong.
public sealed class EmbeddedListContract(EmbeddedServerFixture server) : ListContract(server);
public sealed class EmbeddedWatchContract(EmbeddedServerFixture server) : WatchContract(server);
public sealed class EmbeddedObjectContract(EmbeddedServerFixture server) : ObjectContract(server);
public sealed class EmbeddedPatchContract(EmbeddedServerFixture server) : PatchContract(server);
public sealed class EmbeddedApplyContract(EmbeddedServerFixture server) : ApplyContract(server);
public sealed class EmbeddedPodContract(EmbeddedServerFixture server) : PodContract(server);
public sealed class EmbeddedEvictionContract(EmbeddedServerFixture server) : EvictionContract(server);
public sealed class EmbeddedEventAndLeaseContract(EmbeddedServerFixture server) : EventAndLeaseContract(server);
public sealed class EmbeddedCustomResourceContract(EmbeddedServerFixture server) : CustomResourceContract(server);
public sealed class EmbeddedClientContract(EmbeddedServerFixture server) : ClientContract(server);
