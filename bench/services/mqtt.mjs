/** The MQTT broker of the question `streams`, as a service; `bench/peers/node-mqtt.mjs` is the same without Heddle. */
import { Aedes } from 'aedes';
import { defineService } from 'heddle';

const broker = await Aedes.createBroker();

export default defineService({ stream: (socket) => void broker.handle(socket) });
