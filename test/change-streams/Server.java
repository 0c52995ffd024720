import java.util.List;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A server with change streams, in memory. It prints its port, and ends when its input ends. */
class Server {
	public static void main(String[] args) throws Exception {
		var backend = new MemoryBackend();
		// Drivers refuse a server whose wire version is older than the ones they know.
		backend.version(new MongoVersion() {
			public List<Integer> getVersionArray() {
				return List.of(6, 0, 0);
			}

			public int getWireVersion() {
				return 17;
			}
		});
		var server = new MongoServer(backend);
		server.enableOplog();
		server.bind("127.0.0.1", args.length > 0 ? Integer.parseInt(args[0]) : 0);
		System.out.println(server.getLocalAddress().getPort());
		while (System.in.read() >= 0) {
		}
		server.shutdownNow();
		System.exit(0);
	}
}
