import { render } from 'preact';
import { App } from './app.tsx';
import { stateIn } from './link.ts';
import { takeToken } from './server.ts';
import './page.css';

takeToken();

const root = document.querySelector('#app');
const shared = await stateIn(location.hash);
if (root !== null) render(<App shared={shared} />, root);
