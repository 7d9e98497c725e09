import { testRule } from '../../../test/support/rule-tester.ts';
import { traefikServices } from './rule.ts';

testRule(traefikServices, import.meta.dirname);
