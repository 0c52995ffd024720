/** Three processes on shared data. Each reaches a real NATS over a connection that a test can cut. */
import type { OpenStore } from '../../server/store/collections.js';
import { openStore } from '../../server/store/open.js';
import { memoryLog } from './log.js';
import { type NatsServer, startNats } from './nats.js';
import { type Relay, startRelay } from './relay.js';
import { ServiceProcess } from './service.js';
import type { SharedData } from './sharedData.js';

const PROCESSES = 3;

export class SharedService {
	readonly processes: ServiceProcess[] = [];
	/** The connection of each process to NATS. */
	readonly links: Relay[] = [];
	/** The store on the data, for the test itself. */
	open!: OpenStore;
	nats!: NatsServer;

	private constructor(
		private readonly data: SharedData,
		private readonly args: readonly string[],
	) {}

	/** @param args further arguments of each process */
	static async start(newData: () => Promise<SharedData>, ...args: string[]): Promise<SharedService> {
		const service = new SharedService(await newData(), args);
		service.nats = await startNats();
		for (let i = 0; i < PROCESSES; i++) service.links.push(await startRelay(service.nats.port));
		const started = await Promise.allSettled(service.links.map((_, i) => service.spawn(i)));
		for (const each of started) if (each.status === 'fulfilled') service.processes.push(each.value);
		service.open = await openStore(service.data.choice, memoryLog());
		const failed = started.find(({ status }) => status === 'rejected');
		if (failed) {
			await service.stop();
			throw (failed as PromiseRejectedResult).reason;
		}
		await service.connected();
		return service;
	}

	at(index: number): ServiceProcess {
		return this.processes[index] as ServiceProcess;
	}

	link(index: number): Relay {
		return this.links[index] as Relay;
	}

	/** Starts a process that reaches NATS over the connection with this number. */
	spawn(index: number): Promise<ServiceProcess> {
		const { data, args } = this;
		const nats = `nats://127.0.0.1:${this.link(index).port}`;
		return ServiceProcess.start([...data.args, '--nats', nats, ...args], data.env);
	}

	/** Starts a process in the place of one that has ended. */
	async replace(index: number): Promise<void> {
		this.processes[index] = await this.spawn(index);
	}

	async connected(): Promise<void> {
		await Promise.all(this.processes.map((each) => each.connected()));
	}

	async stop(): Promise<void> {
		await Promise.all(this.processes.map((each) => each.stop()));
		await this.open.close();
		for (const link of this.links) await link.close();
		await this.nats.stop();
		await this.data.remove();
	}
}
